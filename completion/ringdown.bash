# bash completion for ringdown(1)

_ringdown() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} words= prefix=
  case ${previous/#--/-} in
    -kernel | -bios | -option-rom | -initrd | -fda | -fdb | -hda | -hdb | -hdc | -hdd | -cdrom | -D | -stats)
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return ;;
    -append | -m | -name) return ;;
    -cpu) words="help $(_ringdown_cpu_models)" ;;
    -smp) words=1 ;;
    -machine | -M) words="pc isapc pc,acpi=off pc,hpet=off help" ;;
    -accel) words=tcg ;;
    -boot) words="order= once= menu=on menu=off splash-time= reboot-timeout=" ;;
    -drive) words="file= format=raw if=ide if=floppy index= media=disk media=cdrom readonly=on snapshot=on aio=io_uring aio=threads" ;;
    -rtc) words="base=utc base=localtime" ;;
    -device) words="isa-debug-exit help" ;;
    -vga) words="std none" ;;
    -net | -nic | -parallel) words=none ;;
    -display) words="sdl curses vnc= none" ;;
    -monitor) words="stdio unix: none" ;;
    -vnc) words=":0 :0,websocket none" ;;
    -serial) words="stdio mon:stdio file: pty null none" ;;
    -user) words="translated native auto restless" ;;
    -d) words="in_asm out_asm exec int sensitive cpu_reset firmware unimp guest_errors all help" ;;
    *)
      words="-kernel -bios -option-rom -boot -initrd -append -m -cpu -smp -machine -M -accel -enable-kvm -rtc -name
        -fda -fdb -hda -hdb -hdc -hdd -cdrom -drive -snapshot -device -nodefaults -vga -net -nic -parallel -monitor -no-acpi -no-hpet -no-fd-bootchk -no-user-config
        -nographic -vnc -display -sdl -curses -serial -no-reboot -no-shutdown -S -user -d -D -stats -help -h -version"
      ((COMP_CWORD == 1)) && words+=" doctor" ;;
  esac
  if [[ $current == --* ]]; then prefix=-; fi
  if [[ $current == *,* ]]; then prefix=${current%,*},; fi
  mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "${current#"$prefix"}")
}

_ringdown_cpu_models() {
  "${COMP_WORDS[0]}" -cpu help 2>/dev/null | sed -n '/^Models/,/^Features/s/^ //p'
}

complete -F _ringdown ringdown
