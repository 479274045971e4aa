"""What the tests that are Python programs have in common: cases by name, run one at a time, each in a folder of its own."""
import sys
import tempfile

CASES = {}
ON_REQUEST = set()


class Failure(Exception):
    """What a test expected and did not see."""


def check(what, actual, expected):
    if actual != expected:
        raise Failure(f"{what}: expected {expected!r}, got {actual!r}")


def case(function):
    CASES[function.__name__] = function
    return function


def case_on_request(function):
    """One that takes minutes: it runs if it is named, and --list leaves it out."""
    ON_REQUEST.add(function.__name__)
    return case(function)


def run_cases(parser, make_bench):
    """Runs the case that the command line names, with what `make_bench` makes of the options and a new folder, or lists
    all of them. Returns the exit status."""
    parser.add_argument("--list", action="store_true")
    parser.add_argument("case", nargs="?", choices=CASES)
    options = parser.parse_args()
    if options.list or not options.case:
        print(*(name for name in CASES if name not in ON_REQUEST), sep="\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        try:
            CASES[options.case](make_bench(options, folder))
        except Failure as failure:
            print(f"{options.case}: {failure}", file=sys.stderr)
            return 1
    return 0
