"""Runs the program of each realm; fails if a check failed or none ran."""

import sys

import check
import inevent
import ion
import pitchpoint
import zro
from demo import DEMO

for program in (inevent, pitchpoint, ion, zro):
    try:
        program.run(DEMO["url"], DEMO["realms"][program.REALM])
    except Exception as error:  # One realm that is not as expected must not hide the others.
        check.same(f"{program.REALM}: the program runs to its end", f"{type(error).__name__}: {error}", None)

sys.exit(check.finish("requests"))
