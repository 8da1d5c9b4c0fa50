#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 unlinked.bin --start-address=0x20d65217d000 --stop-address=0x20d65217d040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 unlinked.bin --start-address=0x20d65217d040 --stop-address=0x20d65217d080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 unlinked.bin --start-address=0x20d65217db40 --stop-address=0x20d65217dc00 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 unlinked.bin --start-address=0x20d65218c3c0 --stop-address=0x20d65218c400 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 unlinked.bin --start-address=0x20d65218f070 --stop-address=0x20d65218f090 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic.bin --start-address=0x20d65217d000 --stop-address=0x20d65217d040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic.bin --start-address=0x20d65217d040 --stop-address=0x20d65217d080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic.bin --start-address=0x20d65217db40 --stop-address=0x20d65217dc00 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic.bin --start-address=0x20d65218d100 --stop-address=0x20d65218d140 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic.bin --start-address=0x20d65218f070 --stop-address=0x20d65218f090 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic-relinked.bin --start-address=0x20d65217d000 --stop-address=0x20d65217d040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic-relinked.bin --start-address=0x20d65217d040 --stop-address=0x20d65217d080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic-relinked.bin --start-address=0x20d65217db40 --stop-address=0x20d65217dc00 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic-relinked.bin --start-address=0x20d65218ca80 --stop-address=0x20d65218cac0 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x20d65217d000 mic-relinked.bin --start-address=0x20d65218f070 --stop-address=0x20d65218f090 | sed 1,6d
