#!/usr/bin/env python3
"""Prints the manual page weir(1) in roff, made of what the program says about itself (--help of every command), the list of
exit statuses in README.md and examples/weir.yaml. Used by tools/package.py; `tools/manpage.py PROGRAM | man -l -` shows it."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Said once, not at every kind.
COMMON = ("-h,--help", "-o,--output", "--endpoint", "--token", "--credentials")
OVERVIEW = ("version", "completion")  # have nothing to add to their line in the overview

ENVIRONMENT = [
    ("WEIR_ENDPOINT, WEIR_TOKEN", "where the API is and the bearer token, for client commands"),
    ("WEIR_CA", "certificates of the issuers that an https endpoint is believed by"),
    ("WEIR_SERVER_...", "any setting of the daemons: api.listen of the file is WEIR_SERVER_API_LISTEN; lists are separated by blanks"),
]
FILES = [
    ("/etc/weir/weir.yaml", "configuration of the daemons, read when it is there and no other is named"),
    ("/var/lib/weir", "data directory of the services: store, replica, keys, credentials.json of the administrator, node.key of the nodes"),
]


def help_of(program, *words):
    done = subprocess.run([str(program), *words, "--help"], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"manpage: weir {' '.join(words)} --help ends with {done.returncode}: {done.stderr}")
    return done.stdout


def entries(text, title):
    """[(name, sentence)] of one block of a help text: 'name   sentence', where the sentence may stand on the next line."""
    found, inside = [], False
    for line in text.splitlines():
        if not line.startswith(" "):
            inside = line.rstrip(":") == title
        elif inside and line.startswith("   "):
            name, sentence = found[-1]
            found[-1] = (name, f"{sentence} {line.strip()}".strip())
        elif inside:
            name, _, sentence = line.strip().partition("  ")
            found.append((name, sentence.strip()))
    return found


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def tagged(pairs):
    return "".join(f".TP\n\\fB{escape(name)}\\fR\n{escape(sentence)}\n" for name, sentence in pairs)


def own_options(text):
    return [(name.replace(" ...", ""), sentence) for name, sentence in entries(text, "Positionals") + entries(text, "Options")
            if not name.startswith(COMMON)]


def command_part(program, word):
    text = help_of(program, word)
    usage = re.search(r"^[Uu]sage: (.*)$", text, re.M).group(1)
    return f".SS {escape(usage)}\n" + tagged(own_options(text))


def kind_part(program, word, sentence, is_made):
    part = f".SS {word}\n{escape(sentence[:1].upper() + sentence[1:])}.\n"
    return part + tagged(own_options(help_of(program, "create", word))) if is_made else part


def kinds(program, verb):
    """{word: sentence}; the aliases after the first comma are left to --help."""
    return {name.split(",")[0]: sentence for name, sentence in entries(help_of(program, verb), "Subcommands")}


def exit_statuses():
    table = (ROOT / "README.md").read_text().split("| Exit status |")[1]
    return re.findall(r"^\| (\d+) \| (.*?) \|$", table, re.M)


def page(program):
    overview = help_of(program)
    description = re.search(r"^Description: (.*\n(?: .*\n)*)", (ROOT / "debian/control").read_text(), re.M).group(1)
    name, *sentences = [line.strip() for line in description.splitlines()]
    version = subprocess.run([str(program), "version"], check=True, capture_output=True, text=True).stdout.strip()
    service, client = entries(overview, "service"), entries(overview, "client")
    made = kinds(program, "create")
    text = f'.TH WEIR 1 "" "{version}" "User Commands"\n.SH NAME\nweir \\- {escape(name)}\n'
    text += ".SH SYNOPSIS\n.B weir\n.I COMMAND\n.RI [ FLAGS ]\n"
    text += ".SH DESCRIPTION\n" + escape(" ".join(sentences)) + "\n"
    text += ".SS Service\n" + tagged(service) + ".SS Client\n" + tagged(client)
    text += ".SH COMMANDS\n"
    text += "".join(command_part(program, word) for word, _ in service + [one for one in client if one[0] in ("apply", "diff", "export", "wait", "health", "explain", "audit")]
                    if word not in OVERVIEW)
    text += ".SS Options of every client command\n"
    text += tagged([one for one in entries(help_of(program, "create", "lb"), "Options") if one[0].startswith(COMMON)])
    text += (".SH KINDS\nWhat the client commands show and make, with the flags of \\fBcreate\\fR. "
             "\\fBweir update\\fR \\fIKIND\\fR \\fB\\-\\-help\\fR and \\fBweir get\\fR \\fIKIND\\fR \\fB\\-\\-help\\fR show theirs.\n")
    text += "".join(kind_part(program, word, sentence, word in made) for word, sentence in kinds(program, "get").items())
    text += ".SH CONFIGURATION\nFlags go before environment variables, and those before the file. Every setting:\n.nf\n"
    text += "".join(escape(line) + "\n" for line in (ROOT / "examples/weir.yaml").read_text().splitlines() if not line.startswith("#"))
    text += ".fi\n.SH ENVIRONMENT\n" + tagged(ENVIRONMENT) + ".SH FILES\n" + tagged(FILES)
    text += ".SH EXIT STATUS\n" + tagged(exit_statuses())
    return text


if __name__ == "__main__":
    print(page(sys.argv[1]), end="")
