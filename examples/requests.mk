# Three instances for the machine of baseline.dts: mk-alloc -i baseline.dts -f requests.mk
create db     cpus=8-15    memory=8G devices=nvme0_ns2
create web    cpus=4-7     memory=2G devices=eth0_vf1 id=1
create worker cpu-count=16 memory=1G
