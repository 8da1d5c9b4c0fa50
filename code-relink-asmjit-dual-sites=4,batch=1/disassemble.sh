#!/bin/sh
# Written by bench-run --dump-code: every piece of code with its name.
cd "$(dirname "$0")" || exit 1
echo 'unlinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 unlinked.bin --start-address=0x201693da5000 --stop-address=0x201693da5040 | sed 1,6d
echo 'unlinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 unlinked.bin --start-address=0x201693da5040 --stop-address=0x201693da5080 | sed 1,6d
echo 'unlinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 unlinked.bin --start-address=0x201693da5480 --stop-address=0x201693da5540 | sed 1,6d
echo 'unlinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 unlinked.bin --start-address=0x201693dab180 --stop-address=0x201693dab1c0 | sed 1,6d
echo 'unlinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 unlinked.bin --start-address=0x201693db7070 --stop-address=0x201693db7090 | sed 1,6d
echo 'mic: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic.bin --start-address=0x201693da5000 --stop-address=0x201693da5040 | sed 1,6d
echo 'mic: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic.bin --start-address=0x201693da5040 --stop-address=0x201693da5080 | sed 1,6d
echo 'mic: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic.bin --start-address=0x201693da5480 --stop-address=0x201693da5540 | sed 1,6d
echo 'mic: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic.bin --start-address=0x201693dab2c0 --stop-address=0x201693dab300 | sed 1,6d
echo 'mic: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic.bin --start-address=0x201693db7070 --stop-address=0x201693db7090 | sed 1,6d
echo 'mic-relinked: miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic-relinked.bin --start-address=0x201693da5000 --stop-address=0x201693da5040 | sed 1,6d
echo 'mic-relinked: open-miss-trampoline'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic-relinked.bin --start-address=0x201693da5040 --stop-address=0x201693da5080 | sed 1,6d
echo 'mic-relinked: open-pic'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic-relinked.bin --start-address=0x201693da5480 --stop-address=0x201693da5540 | sed 1,6d
echo 'mic-relinked: checked-entry'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic-relinked.bin --start-address=0x201693dab840 --stop-address=0x201693dab880 | sed 1,6d
echo 'mic-relinked: send-site'
objdump -D -b binary -m i386:x86-64 --adjust-vma=0x201693da5000 mic-relinked.bin --start-address=0x201693db7070 --stop-address=0x201693db7090 | sed 1,6d
