# Asks the originals: dnf's own parser for NEVRAs, rpm's for dependency ranges. Reads JSON on stdin, writes JSON.
import json
import sys

request = json.load(sys.stdin)
if request["ask"] == "nevra":
    import hawkey

    forms = [
        ("NEVRA", hawkey.FORM_NEVRA),
        ("NEVR", hawkey.FORM_NEVR),
        ("NEV", hawkey.FORM_NEV),
        ("NA", hawkey.FORM_NA),
        ("NAME", hawkey.FORM_NAME),
    ]
    out = []
    for text in request["list"]:
        subject = hawkey.Subject(text)
        rows = {}
        for name, form in forms:
            found = subject.get_nevra_possibilities(forms=form)
            rows[name] = [[n.name, n.epoch, n.version, n.release, n.arch] for n in found]
        order = [[n.name, n.epoch, n.version, n.release, n.arch] for n in subject.get_nevra_possibilities()]
        out.append([rows, order])
    json.dump(out, sys.stdout)
else:
    import rpm

    tag = rpm.RPMTAG_REQUIRENAME
    out = []
    for a_flags, a_evr, b_flags, b_evr in request["list"]:
        a = rpm.ds(("n", a_flags, a_evr), tag)
        b = rpm.ds(("n", b_flags, b_evr), tag)
        out.append(bool(a.Compare(b)))
    json.dump(out, sys.stdout)
