# render.sh TITLE PAGES OUTPUT: puts each text into the template, and writes an index of all of them.
set -eu
title=$1 pages=$2 output=$3
mkdir -p "$output"
links=
for page in "$pages"/*.txt; do
    name=$(basename "$page" .txt)
    sed -e "s/@TITLE@/$title/" -e "/@CONTENT@/{r $page" -e "d}" template.html >"$output/$name.html"
    links="$links<a href=\"$name.html\">$name</a> "
done
sed -e "s/@TITLE@/$title/" -e "s|@CONTENT@|$links|" template.html >"$output/index.html"
