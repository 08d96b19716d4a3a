#!/bin/sh
# Documents and archives to measure on: benches/corpus.sh FOLDER
#
# Some 900 MB in nine classes, one folder each, in the form in which a mail gateway or a server for uploads meets them. All of it comes from
# packages of Debian 12, PyPI and npm, fetched by their own programs; what no package holds (mails with attachments, Windows installers, a disc
# of documents) is made of what they hold by the usual makers. The order and the choice are fixed, so the same packages give the same files; packages
# change with time. Needs apt-get (run `apt-get update` before), ar, dpkg-deb, pip, npm, python3, xz, makensis, wixl, genisoimage. Sources that
# were fetched are kept in FOLDER.fetched.
set -eu

into=${1:?usage: benches/corpus.sh FOLDER}
[ ! -e "$into" ] || { echo "$into is there already" >&2; exit 1; }
mkdir -p "$into" "$into.fetched"
into=$(cd "$into" && pwd)
from=$(cd "$into.fetched" && pwd)
here=$(cd "$(dirname "$0")" && pwd)

# --- what is fetched

mkdir -p "$from/debs" "$from/sources" "$from/pip" "$from/npm" "$from/lists/partial" "$from/cache/archives/partial"
cd "$from/debs"
apt-get download -qq clamav-testfiles debian-handbook debian-policy debmake-doc developers-reference git gnuplot-doc \
    grub-rescue-pc installation-guide-amd64 ipxe lazarus-doc-2.2 libapache-poi-java libpython3.11-testsuite \
    libreoffice-common maxima-doc openjdk-17-doc openssh-server postgresql-doc-15 python3.11-doc texlive-latex-base-doc \
    texlive-latex-recommended-doc vim-runtime win32-loader
# The documents that office programs are tested with stand in their source packages.
cat > "$from/sources.sources" <<END
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
set -- -qq -o Dir::Etc::sourcelist="$from/sources.sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$from/lists" -o Dir::Cache="$from/cache"
apt-get "$@" update
cd "$from/sources"
for package in gnumeric libapache-poi-java libpdfbox2-java libreoffice pikepdf; do
    for file in $(apt-get "$@" source --print-uris --download-only "$package" | tr -d "'" | awk '/\.orig\.tar\.[gx]z / { print $2 }'); do
        [ -e "$file" ] || apt-get "$@" source --download-only --tar-only "$package"
    done
done
cd "$from/pip"
pip download -q --no-deps botocore cryptography debugpy distlib lxml numpy pandas Pillow pythonnet reportlab tabula-py
pip download -q --no-deps --platform win_amd64 --only-binary=:all: pywin32
pip download -q --no-deps --platform win32 --only-binary=:all: cffi
pip download -q --no-deps --platform macosx_11_0_arm64 --only-binary=:all: cffi
cd "$from/npm"
npm pack --silent 7zip-bin rcedit fsevents @esbuild/win32-x64 @esbuild/darwin-arm64 electron-winstaller io.appium.settings swfobject > /dev/null

# --- what is taken out of it

raw=$from/raw
rm -rf "$raw"
mkdir -p "$raw/debs" "$raw/office" "$raw/npm"
for deb in "$from"/debs/*.deb; do
    dpkg-deb -x "$deb" "$raw/debs/$(basename "$deb" | cut -d_ -f1)"
done
endings='doc docm docx dot emf fodt hwp msg odg odp ods odt otp ott pot ppsx ppt pptx pub rtf sxc sxw vsd vsdx wmf wps xls xlsb xlsm xlsx'
wanted="\\.($(echo "$endings pdf" | tr ' ' '|'))\$"
for name in gnumeric libapache-poi-java libpdfbox2-java libreoffice pikepdf; do
    archive=$(echo "$from/sources/${name}_"*.orig.tar.xz)
    mkdir -p "$raw/office/$name"
    tar -taf "$archive" | grep -iE "$wanted" > "$raw/members.list"
    tar -xaf "$archive" -C "$raw/office/$name" -T "$raw/members.list"
done
tar -xzf "$(echo "$from"/npm/io.appium.settings-*.tgz)" -C "$raw/npm"

# Puts files, whose names are read in order, flat into a folder: of `every` that follow each other those whose numbers are in `which`, a set of
# digits. What is alike is put there once.
put() { # FOLDER EVERY WHICH
    mkdir -p "$1"
    python3 -c '
import hashlib, pathlib, shutil, sys
into, every, which = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen = set()
for number, name in enumerate(sys.stdin.read().splitlines()):
    if str(number % every) in which:
        file = pathlib.Path(name)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
        if digest not in seen:
            seen.add(digest)
            shutil.copyfile(file, f"{into}/{digest}-{file.name}")
' "$@"
}
below() { # FOLDER... -- NAME...
    folders=
    while [ "$1" != -- ]; do folders="$folders $1"; shift; done
    shift
    names=
    for name in "$@"; do names="$names -o -iname $name"; done
    # shellcheck disable=SC2086 # each is a word
    (cd "$raw" && set -f && find $folders -type f -size +0 \( ${names# -o} \) | LC_ALL=C sort | sed "s|^|$raw/|")
}

set -f
office=$(for ending in $endings; do echo "*.$ending"; done)
# shellcheck disable=SC2086 # each is a word
below office debs/libreoffice-common -- $office > "$raw/office.list"
set +f
below office debs -- '*.pdf' > "$raw/pdf.list"
for each in python3.11-doc lazarus-doc-2.2 debian-handbook openjdk-17-doc installation-guide-amd64 maxima-doc postgresql-doc-15 gnuplot-doc; do
    below "debs/$each" -- '*.html' | awk 'NR % 12 == 1'
done > "$raw/html.list"

# Two of five documents stand by themselves, another one comes in a mail; of PDF two of three, and one of six.
put "$into/office" 5 02 < "$raw/office.list"
put "$into/pdf" 3 01 < "$raw/pdf.list"
put "$into/html" 1 0 < "$raw/html.list"

mkdir -p "$into/zip" "$into/packages" "$into/images" "$into/installers"
cp "$from"/pip/*.whl "$into/zip"
below debs/libapache-poi-java -- '*.jar' | put "$into/zip" 1 0
below npm -- '*.apk' | put "$into/zip" 1 0
below debs -- '*.epub' | put "$into/zip" 1 0
python3 - "$raw/debs/postgresql-doc-15" "$into/zip/manual.zip" <<'END'
import pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(sys.argv[2], "w", zipfile.ZIP_DEFLATED) as archive:
    for file in sorted(folder.rglob("*.html")):
        archive.writestr(zipfile.ZipInfo(str(file.relative_to(folder))), file.read_bytes(), zipfile.ZIP_DEFLATED)
END

# Nothing that has more than 100 MB in one piece inside: ClamAV would not look at it.
cp "$from"/npm/*.tgz "$into/packages"
for each in clamav-testfiles debmake-doc git gnuplot-doc installation-guide-amd64 libapache-poi-java libpython3.11-testsuite libreoffice-common \
    maxima-doc openssh-server postgresql-doc-15 vim-runtime; do
    cp "$from/debs/${each}_"*.deb "$into/packages"
done
for each in gnumeric libpdfbox2-java pikepdf; do
    cp "$from/sources/${each}_"*.orig.tar.xz "$into/packages"
done
# clamscan opens no archive of ar, and so no package of Debian: the same with what is in them, for both to look at.
mkdir -p "$into/opened"
for each in "$into/packages"/*; do
    case $each in
    *.deb) content=$(ar t "$each" | grep '^data') && ar p "$each" "$content" > "$into/opened/$(basename "$each" .deb).$content" ;;
    *) cp "$each" "$into/opened" ;;
    esac
done

below debs/grub-rescue-pc debs/ipxe -- '*.iso' | put "$into/images" 1 0
mkdir "$raw/disc"
awk 'NR % 25 == 4' "$raw/office.list" | put "$raw/disc" 1 0
genisoimage -quiet -J -r -V DOCUMENTS -o "$into/images/documents.iso" "$raw/disc"

below debs/lazarus-doc-2.2 debs/clamav-testfiles -- '*.chm' | put "$into/installers" 1 0
below debs/win32-loader -- '*.exe' | put "$into/installers" 1 0
program=$raw/program
mkdir "$program"
python3 -m zipfile -e "$(echo "$from"/pip/pywin32-*.whl)" "$program"
for method in zlib bzip2 lzma; do
    solid=
    [ "$method" != lzma ] || solid=/SOLID
    cat > "$raw/installer.nsi" <<END
SetCompressor $solid $method
OutFile "$into/installers/pywin32-$method.exe"
Name "pywin32"
InstallDir "C:\\pywin32"
Section
    SetOutPath "\$INSTDIR"
    File /r "$program"
SectionEnd
END
    makensis -V1 "$raw/installer.nsi"
done
python3 - "$program" "$raw/installer.wxs" <<'END'
import pathlib, sys, uuid
from xml.sax.saxutils import quoteattr
folder, rows, references = pathlib.Path(sys.argv[1]), [], []
for number, file in enumerate(sorted(file for file in folder.rglob("*") if file.is_file())):
    guid = uuid.uuid5(uuid.NAMESPACE_URL, str(number))
    rows.append(f'<Component Id="c{number}" Guid="{guid}"><File Id="f{number}" Name={quoteattr(f"{number}-{file.name}")} Source={quoteattr(str(file.relative_to(folder)))}/></Component>')
    references.append(f'<ComponentRef Id="c{number}"/>')
pathlib.Path(sys.argv[2]).write_text(f'''<?xml version="1.0"?><Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">
<Product Id="{uuid.uuid5(uuid.NAMESPACE_URL, "product")}" UpgradeCode="{uuid.uuid5(uuid.NAMESPACE_URL, "upgrade")}" Name="pywin32" Version="1.0.0" Language="1033" Manufacturer="None">
<Package InstallerVersion="200" Compressed="yes"/><Media Id="1" Cabinet="a.cab" EmbedCab="yes"/>
<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFilesFolder"><Directory Id="INSTALLDIR" Name="pywin32">{"".join(rows)}</Directory></Directory></Directory>
<Feature Id="all" Level="1">{"".join(references)}</Feature></Product></Wix>''')
END
(cd "$program" && wixl -o "$into/installers/pywin32.msi" "$raw/installer.wxs")

# --- mails, as a gateway sees them

mkdir -p "$into/mail"
below debs/libpython3.11-testsuite -- 'msg_*.txt' | put "$into/mail" 1 0
awk 'NR % 5 == 0' "$raw/office.list" > "$raw/office.mailed"
awk 'NR % 6 == 0' "$raw/pdf.list" > "$raw/pdf.mailed"
below debs/debian-handbook debs/maxima-doc -- '*.png' | awk 'NR % 40 == 1' > "$raw/picture.mailed"
below debs/developers-reference debs/debian-policy -- '*.txt' > "$raw/text.list"
python3 "$here/corpus_mails.py" "$raw" "$into/mail"

for folder in "$into"/*; do
    printf '%-12s %5d files %5d MB\n' "$(basename "$folder")" "$(find "$folder" -type f | wc -l)" "$(($(cat "$folder"/* | wc -c) / 1000000))"
done
