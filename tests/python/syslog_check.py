"""Reads RFC 5424 messages, JSON strings one a line on standard input, by a grammar that is not ours, and
prints what each holds as JSON."""

import json
import sys

from syslog_rfc5424_parser import SyslogMessage

for line in sys.stdin:
    print(json.dumps(SyslogMessage.parse(json.loads(line)).as_dict()))
