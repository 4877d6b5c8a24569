# Edits of stampede.json that a run cannot apply, or that do nothing, are reported.
$ index idx 20
$ stampede init repo --targets idx --bins 4 --now $(at 1) --quiet
$ stampede sign repo --now $(at 1) --quiet

# The periods of the offline roles.
$ for role in root targets bins; do cp repo/stampede.json old; sed -i "s/\"$role\": 31536000/\"$role\": 15768000/" repo/stampede.json; stampede sign repo --now $(at 1) --quiet; mv old repo/stampede.json; done
2> stampede: publish: stampede.json: "expiry_seconds" of root, targets or bins was edited and is not in force yet; apply it with the offline keys: stampede init REPO --update
2> stampede: publish: stampede.json: "expiry_seconds" of root, targets or bins was edited and is not in force yet; apply it with the offline keys: stampede init REPO --update
2> stampede: publish: stampede.json: "expiry_seconds" of root, targets or bins was edited and is not in force yet; apply it with the offline keys: stampede init REPO --update
$ sed -i 's/"root": 31536000/"root": 15768000/' repo/stampede.json
$ stampede verify repo --now $(at 1) | grep expires-late
warning: expires-late: 1.root.json: is valid until 2031-01-01T12:00:00Z, longer than the 4380 hours that stampede.json allows; if that was edited, apply it with the offline keys (stampede init REPO --update); else find out who signed it
$ stampede init repo --update --yes --now $(at 1) --quiet
$ stampede sign repo --now $(at 1) --quiet
$ stampede verify repo --now $(at 1) | grep expires-late
= 1

# The periods of the roles that every run signs apply from the next run on.
$ sed -i -E 's/"(bin_n|snapshot|timestamp)": 86400/"\1": 43200/' repo/stampede.json
$ stampede sign repo --now $(at 1) --quiet

# Changes of the delegation are named, with what to do.
$ edit() { cp repo/stampede.json old; sed -i "s/$1/$2/" repo/stampede.json; stampede sign repo --now $(at 1) --quiet; echo "exit $?"; mv old repo/stampede.json; }
$ edit '"delegation": "succinct"' '"delegation": "prefixes"'
exit 2
2> stampede: published: stampede.json: "delegation" is "prefixes", but what is published delegates by "succinct"; set it back, or apply it with the offline keys: stampede init REPO --update
$ edit '"bins_role": true' '"bins_role": false'
exit 2
2> stampede: published: stampede.json: "bins_role" cannot be changed in a repository that is published; set it back to true, or make a new repository
$ edit '"bins": 4' '"bins": 8'
exit 2
2> stampede: published: stampede.json: "bins" is 8, but what is published delegates to 4; set it back, or apply it with the offline keys: stampede init REPO --update
$ edit '"bin_prefix": "bin-n"' '"bin_prefix": "part"'
exit 2
2> stampede: published: stampede.json: "bin_prefix" is "part", but what is published delegates to "bin-n"; set it back, or apply it with the offline keys: stampede init REPO --update

# The profile chose the defaults of init, and does nothing afterwards.
$ edit '"profile": "pep458"' '"profile": "compat"'
exit 0
2> stampede: publish: stampede.json: "profile" was edited from pep458 to compat, which changes nothing: the profile only chose the defaults of init; set it back, and edit the fields themselves
