"""Holds OCSF events, one a line on standard input, against the schema's own classes, in the version that each
event names and in a newer one. Prints how many events of each class there are, as JSON."""

import collections
import json
import sys

import jsonschema
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

NEWER = "1.8.0"
schemas = {}
validators = {}


def validator(version, uid, profiles):
    key = (version, uid, profiles)
    if key not in validators:
        if version not in schemas:
            schemas[version] = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
        schema = schemas[version]
        name = schema.lookup_class_name_from_uid(class_uid=uid)
        described = schema.get_class_schema(class_name=name, profiles=list(profiles))
        validators[key] = jsonschema.Draft202012Validator(
            described, format_checker=jsonschema.FormatChecker()
        )
    return validators[key]


counts = collections.Counter()
for line in sys.stdin:
    event = json.loads(line)
    profiles = tuple(event["metadata"].get("profiles", []))
    for version in (event["metadata"]["version"], NEWER):
        errors = list(validator(version, event["class_uid"], profiles).iter_errors(event))
        for error in errors:
            print(version, error.json_path, error.message[:300], file=sys.stderr)
        if errors:
            sys.exit(f"not an event of class {event['class_uid']}: {line}")
    assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"], line
    counts[event["class_name"]] += 1
print(json.dumps(counts))
