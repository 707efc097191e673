"""`python -m finops_core`, the same as `finops`."""

from finops_core.cli import main

if __name__ == "__main__":
    main()
