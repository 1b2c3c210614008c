"""``python -m tests.fleet up|down|status|prune``: progress on standard error, results on standard output."""

import argparse
import json
import sys

from tests.fleet import FleetError, available, down, release, status, up
from tests.fleet.engine import podman, say
from tests.fleet.images import outdated


def _print_status(as_json: bool) -> None:
    told = status()
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return
    print(f"{told['name']}: {'up' if told['up'] else 'down'}; inventory {told['inventory']}")
    for name, host in told["hosts"].items():
        print(f"  {name:8}{host['user']}@{host['address']}  {host['facts']['fleet_url']}")


def _prune() -> None:
    for reference in outdated():
        podman("image", "rm", reference)
        print(f"removed {reference}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    bring = commands.add_parser("up", help="start the hosts, or find them running")
    bring.add_argument("--owner", default="cli", help="who keeps the fleet up until 'down --owner' (default: cli)")
    bring.add_argument("--json", action="store_true")
    end = commands.add_parser("down", help="stop and remove the hosts")
    end.add_argument("--owner", help="only let go: the fleet stays while another owner uses it")
    commands.add_parser("status", help="what is up").add_argument("--json", action="store_true")
    commands.add_parser("prune", help="remove images that nothing makes any more")
    return parser.parse_args()


def main() -> int:
    """Run one command; a fleet that cannot run is an error with its reason."""
    arguments = _arguments()
    reason = available()
    if reason is not None:
        say(reason)
        return 1
    try:
        if arguments.command == "up":
            up(arguments.owner)
            _print_status(arguments.json)
        elif arguments.command == "status":
            _print_status(arguments.json)
        elif arguments.command == "prune":
            _prune()
        elif arguments.owner:
            release(arguments.owner)
        else:
            down()
    except FleetError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
