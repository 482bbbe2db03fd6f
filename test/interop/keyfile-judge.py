# Answers questions about key files from GLib itself: one JSON request per line, one JSON answer per line.
import json
import sys

from gi.repository import GLib


def answer(request):
    file = GLib.KeyFile()
    try:
        file.load_from_bytes(GLib.Bytes.new(request['text'].encode()), GLib.KeyFileFlags.NONE)
        for group, key, value in request['set']:
            file.set_string(group, key, value)
        groups = {}
        for group in file.get_groups()[0]:
            groups[group] = {}
            for key in file.get_keys(group)[0]:
                try:
                    groups[group][key] = file.get_string(group, key)
                except GLib.Error as error:
                    groups[group][key] = {'error': error.message}
        return {'text': file.to_data()[0], 'groups': groups}
    except GLib.Error as error:
        return {'error': error.message}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
