"""A CD that boots by GRUB, as installation media do. Needs what tools/install-build-deps installs for CDs."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cases import Failure  # noqa: E402  (found by the line above)

# What a kernel, a menu and the serial port need; all modules would make the CD three times as large.
MODULES = "linux multiboot normal serial terminal halt reboot"
FIRST_PORT = "serial --unit=0 --speed=115200\n"


def linux_entry(title, kernel, initrd, append=""):
    """An entry of the menu, and the files that it needs, for make_grub_cd()."""
    names = {path: os.path.basename(path) for path in (kernel, initrd)}
    text = f"linux /boot/{names[kernel]} {append}\n  initrd /boot/{names[initrd]}"
    return (title, text, [kernel, initrd])


def make_grub_cd(path, entries, timeout=0, more_modules="", console="serial"):
    """Makes the CD image `path`. An entry is its title, GRUB's commands and the files that go to /boot; the first one
    is the default, and is started after `timeout` seconds; -1: when the user says so. GRUB is on the serial port, or on
    screen and keyboard (console="console")."""
    tree = path + ".tree"
    os.makedirs(os.path.join(tree, "boot/grub"))
    with open(os.path.join(tree, "boot/grub/grub.cfg"), "w") as config:
        config.write(f"{FIRST_PORT}terminal_input {console}\nterminal_output {console}\nset timeout={timeout}\n")
        for title, commands, files in entries:
            config.write(f'menuentry "{title}" {{\n  {commands}\n}}\n')
            for file in files:
                shutil.copy(file, os.path.join(tree, "boot"))
    options = [f"--install-modules={MODULES} {more_modules}", "--fonts=", "--locales=", "--themes="]
    made = subprocess.run(["grub-mkrescue", *options, "-o", path, tree], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if made.returncode:
        raise Failure(f"grub-mkrescue: {made.stderr.decode()}")
    shutil.rmtree(tree)
    return path
