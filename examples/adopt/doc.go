// Command adopt gives the users of a domain the ImmutableIDs by which an identity provider will know them: it plans,
// applies the plan, and undoes what was applied.
//
//	go run ./examples/adopt plan -simulate tenant.json -out plan.json
//	go run ./examples/adopt apply plan.json -simulate tenant.json -undo undo.jsonl -detour
//	go run ./examples/adopt undo undo.jsonl -simulate tenant.json
//
// That needs no tenant: it runs against a simulated one in the same process, whose users are kept in tenant.json.
// README.md says how to use it with a tenant; adopt -h lists the flags and the environment variables.
package main
