# Answers questions about GVariant from GLib itself: one JSON request per line, one JSON answer per line.
import json
import sys

from gi.repository import GLib


def variant(request):
    data = GLib.Bytes.new(bytes.fromhex(request['hex']))
    return GLib.Variant.new_from_bytes(GLib.VariantType.new(request['type']), data, False)


def answer(request):
    what = request['ask']
    if what == 'read':
        value = variant(request)
        return {
            'normal': value.is_normal_form(),
            'text': value.print_(True),
            'plain': value.print_(False),
            'again': value.get_normal_form().get_data_as_bytes().get_data().hex(),
            'swapped': value.byteswap().print_(True),
        }
    if what == 'parse':
        kind = GLib.VariantType.new(request['type']) if request.get('type') else None
        try:
            value = GLib.Variant.parse(kind, request['text'], None, None)
        except GLib.Error as error:
            return {'error': error.message}
        return {'type': value.get_type_string(), 'hex': value.get_data_as_bytes().get_data().hex()}
    if what == 'dict':
        table = GLib.VariantDict.new(None)
        for key in request['keys']:
            table.insert_value(key, GLib.Variant('b', True))
        for key in request['remove']:
            table.remove(key)
        return {'keys': table.end().keys()}
    raise ValueError(what)


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=False)
