#include "lang/codes.h"

#include <string.h>

#include "base/err.h"

static const struct diag_code codes[] = {
	{ "E0101", "not a block, or something it needs is missing", "At the top of a file stand blocks: aipc, variable, locals, module, provider, resource, output. "
	  "An output needs a value; a rule of a variable needs a condition and an error." },
	{ "E0102", "unknown key", "Blocks of the language itself (variables, outputs, aipc) have a fixed set of keys." },
	{ "E0103", "declared twice", "All *.aipc.yaml files of a folder are one spec: a variable, local, output, provider or resource is declared in "
	  "one place." },
	{ "E0104", "not a name", "Names have letters, digits, _ and -, at most 200. Words with a meaning in references (var, local, each, count, path, "
	  "self, data, module) cannot be resource types." },
	{ "E0105", "unknown provider", "A provider block configures a provider that this program does not have, or a resource names one." },
	{ "E0106", "provider not configured", "The resource needs a provider that the spec does not configure. Write a provider block for it." },
	{ "E0107", "unknown resource type", "No provider of this program has such a type." },
	{ "E0108", "unknown attribute", "The resource type has no such attribute, or it is one that only the program sets." },
	{ "E0109", "missing attribute", "The resource type requires this attribute." },
	{ "E0110", "wrong type of value", "The attribute takes another type. Numbers and strings are converted into one another where the text allows it." },
	{ "E0111", "value not allowed", "The attribute takes only certain values, or numbers in a range." },
	{ "E0112", "count and for_each", "A resource or module is multiplied by count or by for_each, not by both." },
	{ "E0113", "values in a circle", "Each local, input or output of the chain needs the next one, and the last needs the first. Break the chain at one of the places." },
	{ "E0114", "not in this version", "The key or block exists in the language but this version does not carry it out, and ignoring it could do harm." },
	{ "E0115", "wrong kind of value in a block", "Where a block wants a map, a list, a string or true/false, something else stands." },
	{ "E0120", "resources in a circle", "Each resource of the chain refers to the next one, and the last to the first, so none can be made first." },
	{ "E0121", "one address twice", "Two blocks expand into the same object, so two declarations would fight over it. Name one of them differently, or leave one out." },
	{ "E0122", "cannot be expanded", "The composite resource could not be turned into the objects it stands for; what stands before this message says why." },
	{ "E0123", "too many objects", "The whole spec describes more objects than one plan may hold. Split it into several specs with states of their own." },
	{ "E0124", "a number where text is needed", "Without quotes 1.10 is the number 1.1 and 0x10 is 16, which as a version or a name is something else. Put quotes around what is meant as text." },
	{ "E0125", "two objects for one thing", "Two objects of the spec would write the same file, each undoing what the other wrote, in every apply. Give each a place of its own." },
	{ "E0126", "refused by the world", "The peer was asked beforehand, without changing anything, and would not take what the spec wants: it is not valid there, a rule "
	  "forbids it, or the account lacks a permission. What it said stands in the message." },
	{ "E0131", "provider in a module", "Providers are configured in the spec that is applied; modules it calls use those configurations." },
	{ "E0132", "source of a module", "A source is a plain text: a folder as ./NAME or ../NAME, relative to the folder of the file it stands in, or a "
	  "repository as git::https://HOST/REPO.git//FOLDER?ref=v1.2.0 (https, http, ssh, file). The folder must hold *.aipc.yaml files." },
	{ "E0133", "module in itself", "A module calls itself, directly or through others. Modules are read before anything is evaluated, so count: 0 "
	  "does not end the circle." },
	{ "E0134", "too many modules", "Modules may be called 32 deep and 20,000 times, and have 2,000,000 instances together." },
	{ "E0135", "no such input", "The module declares no variable of this name." },
	{ "E0136", "input missing", "A variable of the module has no default, so every call must give it a value." },
	{ "E0137", "no such output", "Of a module, only what its output blocks declare can be referred to: module.NAME.OUTPUT, module.NAME[KEY].OUTPUT with "
	  "count or for_each." },
	{ "E0140", "module not fetched", "aipc init fetches modules from their repositories; no other command talks to one." },
	{ "E0141", "module not as pinned", "aipc.lock.yaml holds the hash of the files of each module from a repository. Files that were changed since, or a "
	  "repository that gives others, are refused." },
	{ "E0142", "damaged lock file", "aipc.lock.yaml cannot be read. It is written by aipc init and belongs into version control." },
	{ "E0143", "module cannot be fetched", "The repository does not answer, refuses, or does not have what the source names." },
	{ "E0150", "no such configuration", "Configurations of providers are named NAME, NAME.ALIAS or NAME.ALIAS[KEY]; a module sees the caller's default and "
	  "what its call passes in providers." },
	{ "E0151", "replace_triggered_by", "It takes references to resources, their instances and attributes, of types whose objects can be replaced. "
	  "A change of what it refers to replaces the object." },
	{ "E0152", "lifecycle", "prevent_destroy and create_before_destroy are true or false, ignore_changes is all or a list of paths of attributes "
	  "(input, components[\"BMC\"].version); in a block that expands into objects, a path begins with the kind of object, as the plan shows it." },
	{ "E0153", "precondition", "A precondition of a resource's lifecycle is not met. One that cannot be told yet keeps the resource for a later plan." },
	{ "E0154", "postcondition", "A postcondition of a resource's lifecycle is not met by what the resource is, or is to be. What refers to it is not planned, or not applied." },
	{ "E0155", "precondition of an output", "What the output promises does not hold, so it has no value and nothing that needs it is planned." },
	{ "E0156", "protected", "Everything was to be removed, and lifecycle.prevent_destroy protects this object: nothing is removed then. Set it to false and apply "
		   "that first, or name with --target what is to go." },
	{ "E0160", "address", "An address is spelled as aipc state list prints it: TYPE.NAME, TYPE.NAME[0], module.NAME.TYPE.NAME[\"key\"]. moved and removed "
	  "take addresses relative to their module; a thing keeps its type when it moves." },
	{ "E0161", "moves that contradict", "An object moves from one address to one other, and its old address must not be in the spec any more. Chains are fine, "
	  "circles are not." },
	{ "E0162", "removed but there", "What removed names must not be in the spec any more." },
	{ "E0164", "import", "import takes over what is there already: to is the address of an object or resource of the spec, id what its type knows it by, if it "
	  "knows it by more than its configuration." },
	{ "E0170", "another version", "The aipc block of the spec, or of a module, asks for a version that this program is not. Nothing else was looked at." },
	{ "E0171", "required_version", "Constraints are comma-separated: =, !=, >, >=, <, <= and ~>, each with a version. ~> 1.2 means 1.2 or later but below 2; "
	  "~> 1.2.3 means below 1.3." },
	{ "E0172", "no such experiment", "experiments names unfinished parts of the language that a spec wants to use. This version has none by that name." },
	{ "E0180", "data", "What a data block asks for is not there, or cannot be asked so. Where the world only does not answer, that is a warning (W0181), and what "
	  "depends on the answer is left out." },
	{ "E0190", "assertion", "An assertion of a run of tests (aipc test) does not hold; its operands are named." },
	{ "E0191", "assertion that cannot be told", "Something in an assertion is known only after an apply. Let the run apply, or say under mock or override what the world tells." },
	{ "E0192", "failure that did not come", "A run of tests expects that an address or a code fails, and it did not." },
	{ "E0193", "made-up world", "What a file of tests says of its world does not fit: no such type or attribute, one that the spec sets and not the world, or a value that is "
	  "not known." },
	{ "E0194", "run that cannot go on", "A run of tests could not be planned or applied in its made-up world." },
	{ "E0201", "not an expression", "The text between ${ and } cannot be read. The caret is at the first character that does not fit." },
	{ "E0202", "not a template", "A string has a ${ or %{ that is not closed, an %{if} or %{for} without its end, or an escape that does not exist. "
	  "$${ and %%{ stand for the characters themselves." },
	{ "E0203", "too deep or too long an expression", "Expressions may be nested 500 levels deep and have 4,000 operators or steps in a row." },
	{ "E0204", "number out of range", "Numbers have at most 100,000 digits." },
	{ "E0210", "reference to nothing", "var.NAME, local.NAME and TYPE.NAME must be declared somewhere in the folder, and must make sense where they are "
	  "used: rules and providers can refer to variables and locals, the aipc block to variables." },
	{ "E0211", "bare word", "A word without quotes is a reference, and needs a second part: var.NAME. Text stands in quotes." },
	{ "E0212", "each or count without repetition", "each.key and each.value are known in the attributes of a resource with for_each, count.index in one "
	  "with count." },
	{ "E0213", "unknown function", "There is no function of this name." },
	{ "E0214", "number of arguments", "The function takes more or fewer arguments." },
	{ "E0215", "argument refused", "The function cannot work with this argument, or failed on it." },
	{ "E0216", "wrong operand", "Arithmetic and < <= > >= work on numbers, && || ! on bools. Strings that hold a number or bool are converted; null is "
	  "refused. Texts are joined as in \"${a}${b}\", lists by concat(), maps by merge()." },
	{ "E0217", "condition", "A condition is true or false, and its two results must have one type they both convert to." },
	{ "E0218", "not text", "In a string only strings, numbers and bools can stand. join() and jsonencode() make text of lists and maps." },
	{ "E0219", "key of an object", "Keys are strings, and not null." },
	{ "E0220", "too much", "One expression may take 10,000,000 steps and elements, one text 64 MiB, and values may be nested 600 levels deep." },
	{ "E0221", "nothing to loop over", "A for runs over a list, a set, a map or an object." },
	{ "E0222", "one key twice", "Two elements gave the same key. \"...\" behind the value collects all values of one key in a list." },
	{ "E0223", "no such attribute", "The value has no attribute of this name, is null, or is not an object." },
	{ "E0224", "no such element", "The index is outside the list, the key is not in the map, or the value has no elements." },
	{ "E0225", "arithmetic", "Division by zero, or a result too large." },
	{ "E0226", "output", "An output would show a sensitive value, or cannot be written. sensitive: true hides it. The caret is under what makes it sensitive." },
	{ "E0227", "sensitive value in an attribute", "Attributes are shown and stored; secrets are given as references (env:NAME, file:PATH)." },
	{ "E0228", "count or for_each", "count takes a whole number from 0 on, for_each a map or a set of strings; neither null nor sensitive." },
	{ "E0229", "value that cannot be printed", "The value is sensitive or ephemeral (--show-sensitive prints it), is not known before the spec is applied, or has no JSON." },
	{ "E0231", "ephemeral value", "An ephemeral value is there only while the program runs: it is never in a plan or a state. It may stand in the "
	  "configuration of providers, in conditions, in locals, and in variables and outputs of modules that say ephemeral: true. A saved plan is given it "
	  "again: aipc apply FILE --var NAME=VALUE." },
	{ "E0301", "variable without a value", "A variable without default needs a value: -var NAME=VALUE, --var-file, *.auto.yaml, or AIPC_VAR_NAME in the environment." },
	{ "E0302", "value does not fit its type", "The value of a variable, from the place named, cannot be converted to the type the variable declares." },
	{ "E0303", "value refused", "A validation rule of the variable is not met. Rules may refer to anything; one that cannot be told yet keeps back what uses the variable." },
	{ "E0304", "no such variable", "A value was given for a variable that the spec does not declare." },
	{ "E0305", "not a type", "Types: string, number, bool, any, list(T), set(T), map(T), tuple([T, ...]), object({NAME = T, NAME = optional(T, DEFAULT)})." },
	{ "E0401", "not YAML", "The file cannot be read as YAML 1.2. Inside '...' an expression can hold double quotes as they are; inside \"...\" they are "
	  "written \\\"." },
	{ "E0402", "key twice", "A key stands twice in one map; YAML parsers differ in which one wins, so none does." },
	{ "E0403", "alias", "An alias must follow its anchor, and cannot stand inside it." },
	{ "E0404", "file too large or too deep", "200 levels, 5,000,000 nodes a file, 1,000,000 nodes through aliases, 1,000 anchors." },
	{ "E0405", "characters", "Files are UTF-8 text without control characters and Unicode line separators. In double quotes, escapes can stand for them." },
	{ "E0406", "merge key", "<< is YAML 1.1 and not supported: its meaning differs between programs. Use \"${merge(...)}\"." },
	{ "E0407", "tag", "Tags other than those of YAML's core schema mean nothing here." },
	{ "E0408", "key", "Keys are strings (numbers and words are taken as their text); lists and maps cannot be keys." },
	{ "E0409", "several documents", "A spec file holds one YAML document." },
	{ "E0410", "infinity", "Infinity and NaN are no values here. Quote them to have the text." },
	{ "E0411", "file cannot be read", "A *.aipc.yaml entry of the folder is not a regular file, is too large, or cannot be opened." },
	{ "E0601", "unknown GPU", "The MIG table has no such GPU product. The names are those of the product label, such as H100-SXM5-80GB." },
	{ "E0602", "unknown MIG profile", "The GPU has no such profile, or the name is that of a compute instance. `nvidia-smi mig -lgip` on the machine lists the same names." },
	{ "E0603", "one MIG profile twice", "Two names of one layout stand for the same profile. Give their sum under one name." },
	{ "E0604", "number of MIG instances", "Each profile takes a whole number, from 0 to what the GPU can hold of it." },
	{ "E0605", "media engines taken twice", "Only one instance of this profile can have the GPU's media engines." },
	{ "E0606", "too many compute slices", "The instances of one GPU need more compute slices together than it has. The message names the nearest layouts that fit." },
	{ "E0607", "too many memory slices", "The instances of one GPU need more memory slices together than it has. The message names the nearest layouts that fit." },
	{ "E0608", "MIG placement", "An instance of this profile can begin only at certain memory slices." },
	{ "E0609", "no arrangement of MIG instances", "There are slices enough, but the places where instances may begin do not allow this set." },
	{ "E0610", "placements and counts differ", "Where placements are written out, there must be as many as instances of the profile." },
	{ "E0611", "which GPUs", "An entry of a layout names GPUs as \"all\", one number, or ranges such as \"0-3,6\"." },
	{ "E0612", "a GPU in two entries", "Each GPU can be divided in one way only." },
	{ "E0613", "a GPU in no entry", "A layout says something about every GPU; profiles: {} leaves MIG off on the ones named." },
	{ "E0614", "no such GPU in the node", "Numbers of GPUs begin at 0 and end below gpu_count." },
	{ "E0701", "how a fabric is described", "An ib_fabric is generated (fat_tree) or written out (links), one of the two." },
	{ "E0702", "no such port of a leaf", "The leaf switch has fewer ports than the links use." },
	{ "E0703", "no such port of a switch", "The switch or adapter has fewer ports than the links use." },
	{ "E0704", "number of GUIDs", "A host has one adapter on each rail, and so one GUID for each." },
	{ "E0705", "oversubscription", "The ports down and up of a leaf are not in the ratio that the fabric declares." },
	{ "E0706", "a port with two links", "A cable has two ends and a port holds one." },
	{ "E0707", "a link that cannot be", "A link joins two different things, and one of its ends is a switch." },
	{ "E0708", "one name twice in a fabric", "Hosts and switches are told apart by their names." },
	{ "E0709", "one GUID twice", "GUIDs are unique; two ports with one GUID are usually a copied line of the inventory." },
	{ "E0710", "uneven uplinks", "Traffic is spread evenly only when a leaf has as many links to one spine as to the others." },
	{ "E0711", "no such host or switch", "A link names an end that the fabric does not have." },
	{ "E0712", "end of a link", "An end of a link is NAME/PORT, such as leaf-01/3." },
	{ "E0713", "not a GUID", "A GUID has 16 hexadecimal digits, with or without 0x and colons." },
	{ "E0714", "P_Key out of range", "A P_Key has 15 bits, from 0x1 to 0x7ffe; the highest bit is the membership and is written elsewhere." },
	{ "E0715", "one P_Key twice", "Two partitions with one P_Key are one partition to the subnet manager." },
	{ "E0716", "members of a partition", "A pattern of members matches no host of the fabric." },
	{ "E0717", "GUIDs are missing", "Members of partitions are known by their GUIDs: the inventory gives them, or guid_base assigns them." },
	{ "E0718", "too many hosts", "The fabric has more hosts than one may hold." },
	{ "E0719", "name of a host", "A host needs a name of letters, digits, dot, _ and -." },
	{ "E0720", "name of a partition", "It is written into files of the subnet manager, so it has letters, digits, dot, _ and - only; Default is taken." },
	{ "E0721", "a host on the wrong rail", "On a fabric with rails, adapter N of every host goes to leaves of rail N." },
	{ "E0722", "a switch no host can reach", "It is declared, but no chain of links leads to it." },
	{ "E0723", "path of a file", "Files are written below the spec's folder, or to an absolute path, never through \"..\"." },
	{ "E0801", "not a pool", "A pool of a cluster is a gpu_node_pool, or an object with name and nodes." },
	{ "E0802", "name of a node", "Kubernetes takes small letters, digits, - and dot, with a letter or digit at both ends." },
	{ "E0803", "text of a label", "A label holds at most 63 letters, digits, -, _ and dot, with a letter or digit at both ends." },
	{ "E0804", "a node twice", "A node is in one pool of a cluster, once." },
	{ "E0806", "two MIG layouts of one name", "Their names become labels, so different layouts need different names." },
	{ "E0807", "unknown label preset", "Presets write the label keys that other schedulers read; there is none of this name." },
	{ "E0808", "not a fabric", "The fabric of a cluster is an ib_fabric, or an object with its name and nodes." },
	{ "E0809", "number of GPUs", "A MIG layout divides as many GPUs as the nodes of the pool have." },
	{ "E0810", "folder of manifests", "Manifests go to a folder below the spec's, without \"..\", or to an absolute one." },
	{ "E0811", "name in Kubernetes", "Namespaces and config maps have names of small letters, digits and -, with a letter or digit at both ends." },
	{ "E0812", "object to apply", "What is applied to a cluster is one object with apiVersion, kind and metadata.name, as a person writes it: no lists, no fields that "
	  "the cluster itself writes, and no nodes, which join by themselves." },
	{ "E0813", "secret in a manifest", "The values would be kept in the state and in saved plans. Let the cluster make the Secret from where the secret lives." },
	{ "E0814", "level of spares", "spare.min_free names levels of the fabric's topology (leaf, nvlink-domain, their aliases or label keys), or cluster for the whole." },
	{ "E0815", "no spare in the pool", "spare.nodes are patterns of node names of the pool; a node with spare: true is one too." },
	{ "E0816", "MIG strategy", "single calls every MIG instance a GPU, so all GPUs of the node must be cut into the same profile. mixed names each profile." },
	{ "W0161", "place taken", "An object cannot be moved to an address that the state has already." },
	{ "W0180", "check", "An assertion of a check block does not hold, or cannot be evaluated. Checks warn, when a plan is made and after an apply; they never stop either." },
	{ "W0181", "data not read", "The world did not answer, or not well, when a data block asked it. What depends on the answer is left out of the plan; all else is "
	  "planned as usual." },
	{ "W0301", "damaged firmware package", "The header or checksum of the package is wrong; a BMC would refuse it. Download it again and compare its sha256." },
	{ "W0302", "another version in the package", "The version that is pinned is not the one that the package holds, so the update would never be seen as done." },
	{ "W0303", "no such firmware file yet", "Nothing can be updated with a file that is not there; a plan that needs it will stop." },
	{ "W0304", "no such variable", "A file of values has one for a variable that the spec does not declare; it is not used." },
	{ "W0701", "hosts in no partition", "They are limited members of the default partition and so cannot talk to one another." },
	{ "W0702", "no root GUIDs", "Without the GUIDs of the top switches the subnet manager has to find the roots of the tree itself." },
	{ "W0801", "a label is cut", "The text is longer than the 63 characters that a label may have, and was shortened." },
	{ "W0802", "nodes outside the fabric", "They get no fabric labels, so the scheduler cannot place by their topology." },
	{ "W0803", "a MIG layout of another GPU", "The layout names another product than the pool has." },
	{ "W0901", "unused variable", "No expression refers to var.NAME, so its value changes nothing." },
	{ "W0902", "unused local", "No expression refers to local.NAME." },
	{ "W0903", "unused output of a module", "No call of this module, which lies within the spec's folder, reads the output." },
	{ "W0904", "nothing to decide", "A comparison or a condition of constants has always the same result, so a part of it is never used." },
	{ "W0905", "comparison of two types", "== and != never convert: values of two types are never equal. Even tolist([]) is not equal to [], which is "
	  "written as a tuple." },
	{ "W0906", "count over a list", "With count, instances are known by their place in the list. When an element in the middle goes, all that follow "
	  "move up by one and are changed. for_each knows them by a key." },
	{ "W0907", "secret that is written down", "By its name this is a secret, and it stands in the spec as it is. Give a reference, env:NAME or file:PATH." },
	{ "W0908", "twice in a list", "The same text is in one list twice." },
	{ "W0909", "hidden name", "A variable of a loop has the name of a loop around it, or of var, local, each, count, path, module, data or self, which cannot "
	  "be reached inside." },
	{ "W0910", "expression as text", "A text that reads a variable or a local of this module, were it an expression. Only what stands in ${...} is one." },
};

const struct diag_code *diag_codes(size_t *n)
{
	*n = ARRAY_LEN(codes);
	return codes;
}

const struct diag_code *diag_code_find(const char *code)
{
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return &codes[i];
	return NULL;
}
