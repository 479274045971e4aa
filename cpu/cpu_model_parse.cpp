// -cpu NAME,+feature,-feature,feature=on,feature=off
#include <vector>

#include "cpu/cpu_model.h"

namespace ringdown {
namespace {

const CpuIdentity* find_identity(std::string_view name) {
  for (const auto& identity : cpu_identities())
    if (identity.name == name) return &identity;
  return nullptr;
}

std::string quoted(std::string_view text) { return std::string("'").append(text).append("'"); }

std::string join(std::span<const std::string_view> names) {
  std::string list;
  for (auto name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

std::string_view take_item(std::string_view& rest) {
  const size_t comma = rest.find(',');
  const std::string_view item = rest.substr(0, comma);
  rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
  return item;
}

struct Setting {
  std::string_view name;
  bool on;
};

std::optional<Setting> parse_setting(std::string_view item) {
  if (item.starts_with('+')) return Setting{item.substr(1), true};
  if (item.starts_with('-')) return Setting{item.substr(1), false};
  if (item.ends_with("=on")) return Setting{item.substr(0, item.size() - 3), true};
  if (item.ends_with("=off")) return Setting{item.substr(0, item.size() - 4), false};
  return std::nullopt;
}

bool apply_setting(std::string_view item, FeatureSet& features, std::string& error) {
  const auto setting = parse_setting(item);
  if (!setting) {
    error = "-cpu: " + quoted(item) + " is not +FEATURE, -FEATURE, FEATURE=on or FEATURE=off";
    return false;
  }
  const auto feature = find_feature(setting->name);
  if (!feature) {
    error = "-cpu: unknown feature " + quoted(setting->name) + "; known: " + join(CpuModel::feature_names());
    return false;
  }
  if (*feature == Feature::kFpu && !setting->on) {
    error = "-cpu: every model has an x87 unit, 'fpu' cannot be turned off";
    return false;
  }
  features =
      setting->on ? with_needed(features | bit(*feature)) : without_unsatisfied(features & ~bit(*feature));
  return true;
}

bool host_has_all(const CpuIdentity& identity, FeatureSet features, std::string& error) {
  const FeatureSet missing = features & ~features_possible_on_host();
  for (const auto& d : feature_descriptions()) {
    if (!(missing & bit(d.feature))) continue;
    error = "-cpu: model " + quoted(identity.name) + " as requested needs " + quoted(d.name) +
            ", which this host's processor lacks";
    return false;
  }
  return true;
}

}  // namespace

std::span<const std::string_view> CpuModel::model_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const auto& identity : cpu_identities()) list.push_back(identity.name);
    return list;
  }();
  return names;
}

std::span<const std::string_view> CpuModel::feature_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const auto& d : feature_descriptions()) list.push_back(d.name);
    return list;
  }();
  return names;
}

bool CpuModel::parse(std::string_view specification, CpuModel& model, std::string& error) {
  std::string_view rest = specification;
  const std::string_view name = take_item(rest);
  const CpuIdentity* identity = find_identity(name);
  if (!identity) {
    error = "-cpu: unknown model " + quoted(name) + "; known: " + join(model_names());
    return false;
  }
  FeatureSet features = identity->features;
  if (identity->trimmed_to_host) features = without_unsatisfied(features & features_possible_on_host());
  while (!rest.empty())
    if (!apply_setting(take_item(rest), features, error)) return false;
  if (!host_has_all(*identity, features, error)) return false;
  model.apply(*identity, features);
  return true;
}

}  // namespace ringdown
