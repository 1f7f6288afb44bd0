/* code_examples_fabric - the part of code_examples.c that is about MIG layouts and fabrics. */
#include <stddef.h>

#include "lang/codes.h"

/* How many of them begin. */
#define FABRIC \
	"resource:\n" \
	"  ib_fabric:\n" \
	"    f:\n"
#define TREE \
	FABRIC \
	"      fat_tree: { rails: 1, hosts: [{ name: h1 }, { name: h2 }] }\n"
#define HOSTS \
	FABRIC \
	"      hosts: [{ name: h1 }, { name: h2 }]\n"
#define LAYOUT \
	"resource:\n" \
	"  mig_layout:\n" \
	"    l:\n" \
	"      gpu: H100-SXM5-80GB\n"
#define PARTITIONS \
	TREE \
	"      guid_base: \"0x1000\"\n" \
	"      partitions:\n"

const struct diag_example diag_examples_fabric[] = {
	{ "E0601",
	  "resource:\n"
	  "  mig_layout:\n"
	  "    l:\n"
	  "      gpu: H100-SXM5-81GB\n"
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n", NULL },
	{ "E0602",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.11gb: 7 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7 } }]\n", NULL },
	{ "E0603",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 3g.39gb: 1, 3g.40gb: 1 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 3g.40gb: 2 } }]\n", NULL },
	{ "E0604",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: -1 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 1 } }]\n", NULL },
	{ "E0605",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb+me: 2 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb+me: 1, 1g.10gb: 6 } }]\n", NULL },
	{ "E0606",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 7, 3g.40gb: 1 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 1g.10gb: 4, 3g.40gb: 1 } }]\n", NULL },
	{ "E0607",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 3g.40gb: 2, 1g.10gb: 1 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: all, profiles: { 3g.40gb: 2 } }]\n", NULL },
	{ "E0608",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 3g.40gb: 1 }\n"
	  "          placements: [{ profile: 3g.40gb, start: 2 }]\n",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 3g.40gb: 1 }\n"
	  "          placements: [{ profile: 3g.40gb, start: 4 }]\n", NULL },
	{ "E0609",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 3g.40gb: 1, 1g.10gb: 1 }\n"
	  "          placements:\n"
	  "            - { profile: 3g.40gb, start: 0 }\n"
	  "            - { profile: 1g.10gb, start: 3 }\n",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 3g.40gb: 1, 1g.10gb: 1 }\n"
	  "          placements:\n"
	  "            - { profile: 3g.40gb, start: 0 }\n"
	  "            - { profile: 1g.10gb, start: 4 }\n", NULL },
	{ "E0610",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 1g.10gb: 1 }\n"
	  "          placements: [{ profile: 3g.40gb, start: 0 }]\n",
	  LAYOUT
	  "      devices:\n"
	  "        - gpus: all\n"
	  "          profiles: { 3g.40gb: 1 }\n"
	  "          placements: [{ profile: 3g.40gb, start: 0 }]\n", NULL },
	{ "E0611",
	  LAYOUT
	  "      devices: [{ gpus: \"3-0\", profiles: { 1g.10gb: 7 } }]\n",
	  LAYOUT
	  "      devices: [{ gpus: \"0-3\", profiles: { 1g.10gb: 7 } }]\n", NULL },
	{ "E0612",
	  LAYOUT
	  "      devices:\n"
	  "        - { gpus: \"0-3\", profiles: { 1g.10gb: 7 } }\n"
	  "        - { gpus: \"3-7\", profiles: {} }\n",
	  LAYOUT
	  "      devices:\n"
	  "        - { gpus: \"0-3\", profiles: { 1g.10gb: 7 } }\n"
	  "        - { gpus: \"4-7\", profiles: {} }\n", NULL },
	{ "E0613",
	  LAYOUT
	  "      gpu_count: 8\n"
	  "      devices: [{ gpus: \"0-3\", profiles: { 1g.10gb: 7 } }]\n",
	  LAYOUT
	  "      gpu_count: 8\n"
	  "      devices:\n"
	  "        - { gpus: \"0-3\", profiles: { 1g.10gb: 7 } }\n"
	  "        - { gpus: \"4-7\", profiles: {} }\n", NULL },
	{ "E0614",
	  LAYOUT
	  "      gpu_count: 4\n"
	  "      devices: [{ gpus: \"0-4\", profiles: { 1g.10gb: 7 } }]\n",
	  LAYOUT
	  "      gpu_count: 4\n"
	  "      devices: [{ gpus: \"0-3\", profiles: { 1g.10gb: 7 } }]\n", NULL },
	{ "E0701",
	  "resource:\n"
	  "  ib_fabric:\n"
	  "    f: { hosts: [{ name: h1 }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }] }\n", NULL },
	{ "E0702",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        leaf_radix: 4\n"
	  "        scalable_unit: 3\n"
	  "        hosts: [{ name: h1 }]\n",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        leaf_radix: 4\n"
	  "        scalable_unit: 2\n"
	  "        hosts: [{ name: h1 }]\n", NULL },
	{ "E0703",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        leaf_radix: 4\n"
	  "        spine_radix: 2\n"
	  "        spines: 1\n"
	  "        hosts: [{ name: h1 }, { name: h2 }, { name: h3 }, { name: h4 }]\n",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        leaf_radix: 4\n"
	  "        spines: 1\n"
	  "        hosts: [{ name: h1 }, { name: h2 }, { name: h3 }, { name: h4 }]\n", NULL },
	{ "E0704",
	  FABRIC
	  "      fat_tree: { rails: 2, hosts: [{ name: h1, guids: [\"0x1\"] }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 2, hosts: [{ name: h1, guids: [\"0x1\", \"0x2\"] }] }\n", NULL },
	{ "E0705",
	  FABRIC
	  "      hosts: [{ name: h1 }, { name: h2 }, { name: h3 }]\n"
	  "      switches:\n"
	  "        - { name: l1, ports: 4 }\n"
	  "        - { name: l2, ports: 4 }\n"
	  "        - { name: p1, ports: 4 }\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: h2/1, b: l1/2 }\n"
	  "        - { a: l1/3, b: p1/1 }\n"
	  "        - { a: h3/1, b: l2/1 }\n"
	  "        - { a: l2/3, b: p1/2 }\n"
	  "      oversubscription: 1\n",
	  HOSTS
	  "      switches:\n"
	  "        - { name: l1, ports: 4 }\n"
	  "        - { name: l2, ports: 4 }\n"
	  "        - { name: p1, ports: 4 }\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: h2/1, b: l2/1 }\n"
	  "        - { a: l1/3, b: p1/1 }\n"
	  "        - { a: l2/3, b: p1/2 }\n"
	  "      oversubscription: 1\n", NULL },
	{ "E0706",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/1 }, { a: h2/1, b: s1/1 }]\n",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/1 }, { a: h2/1, b: s1/2 }]\n", NULL },
	{ "E0707",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: h2/1 }]\n",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/1 }, { a: h2/1, b: s1/2 }]\n", NULL },
	{ "E0708",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }, { name: h1 }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }, { name: h2 }] }\n", NULL },
	{ "E0709",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        hosts: [{ name: h1, guids: [\"0x5\"] }, { name: h2, guids: [\"0x5\"] }]\n",
	  FABRIC
	  "      fat_tree:\n"
	  "        rails: 1\n"
	  "        hosts: [{ name: h1, guids: [\"0x5\"] }, { name: h2, guids: [\"0x6\"] }]\n", NULL },
	{ "E0710",
	  FABRIC
	  "      hosts: [{ name: h1 }]\n"
	  "      switches:\n"
	  "        - { name: l1, ports: 4 }\n"
	  "        - { name: p1, ports: 4 }\n"
	  "        - { name: p2, ports: 4 }\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: l1/2, b: p1/1 }\n"
	  "        - { a: l1/3, b: p1/2 }\n"
	  "        - { a: l1/4, b: p2/1 }\n",
	  FABRIC
	  "      hosts: [{ name: h1 }]\n"
	  "      switches:\n"
	  "        - { name: l1, ports: 4 }\n"
	  "        - { name: p1, ports: 4 }\n"
	  "        - { name: p2, ports: 4 }\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: l1/2, b: p1/1 }\n"
	  "        - { a: l1/3, b: p2/1 }\n", NULL },
	{ "E0711",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s2/1 }, { a: h2/1, b: s1/2 }]\n",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/1 }, { a: h2/1, b: s1/2 }]\n", NULL },
	{ "E0712",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/5 }, { a: h2/1, b: s1/2 }]\n",
	  HOSTS
	  "      switches: [{ name: s1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: s1/1 }, { a: h2/1, b: s1/2 }]\n", NULL },
	{ "E0713",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1, guids: [zz] }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1, guids: [\"0x5\"] }] }\n", NULL },
	{ "E0714",
	  PARTITIONS
	  "        a: { pkey: \"0x8001\", members: [h1] }\n",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1, h2] }\n", NULL },
	{ "E0715",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1] }\n"
	  "        b: { pkey: \"0x1\", members: [h2] }\n",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1] }\n"
	  "        b: { pkey: \"0x2\", members: [h2] }\n", NULL },
	{ "E0716",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [gpu-*] }\n",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h*] }\n", NULL },
	{ "E0717",
	  TREE
	  "      partitions:\n"
	  "        a: { pkey: \"0x1\", members: [h1] }\n",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1, h2] }\n", NULL },
	{ "E0718",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }, { name: h2 }] }\n", NULL },
	{ "E0719",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: \"rack 1\" }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: rack-1 }] }\n", NULL },
	{ "E0720",
	  PARTITIONS
	  "        Default: { pkey: \"0x1\", members: [h1] }\n",
	  PARTITIONS
	  "        all: { pkey: \"0x1\", members: [h1] }\n", NULL },
	{ "E0721",
	  HOSTS
	  "      switches: [{ name: l1, ports: 4 }, { name: l2, ports: 4 }]\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: h1/2, b: l2/1 }\n"
	  "        - { a: h2/2, b: l1/2 }\n"
	  "        - { a: h2/1, b: l2/2 }\n"
	  "      rails: 2\n",
	  HOSTS
	  "      switches: [{ name: l1, ports: 4 }, { name: l2, ports: 4 }]\n"
	  "      links:\n"
	  "        - { a: h1/1, b: l1/1 }\n"
	  "        - { a: h1/2, b: l2/1 }\n"
	  "        - { a: h2/1, b: l1/2 }\n"
	  "        - { a: h2/2, b: l2/2 }\n"
	  "      rails: 2\n", NULL },
	{ "E0722",
	  HOSTS
	  "      switches: [{ name: l1, ports: 4 }, { name: x, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: l1/1 }, { a: h2/1, b: l1/2 }]\n",
	  HOSTS
	  "      switches: [{ name: l1, ports: 4 }]\n"
	  "      links: [{ a: h1/1, b: l1/1 }, { a: h2/1, b: l1/2 }]\n", NULL },
	{ "E0723",
	  "resource:\n"
	  "  opensm_file:\n"
	  "    f: { path: ../etc/topology, content: x }\n",
	  "resource:\n"
	  "  opensm_file:\n"
	  "    f: { path: etc/topology, content: x }\n", NULL },
	{ "W0701",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1] }\n",
	  PARTITIONS
	  "        a: { pkey: \"0x1\", members: [h1, h2] }\n", NULL },
	{ "W0702",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }] }\n",
	  FABRIC
	  "      fat_tree: { rails: 1, hosts: [{ name: h1 }] }\n"
	  "      guid_base: \"0x1000\"\n", NULL },
	{ 0 },
};
