package federation

// usersRules look at the people of the domain itself, for whether the identity provider's NameID finds their accounts.
func usersRules() []rule {
	return []rule{
		{Rule{
			Name: "users-without-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A user without an ImmutableID cannot sign in to a federated domain.",
		}, ofUsers(func(c census) tally { return c.missing }, "has", "have",
			"no ImmutableID",
			"Give each one the NameID that the identity provider sends for them, before the domain is federated: later it may "+
				"be possible only by way of another domain.")},
		{Rule{
			Name: "users-same-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "No two users should have ImmutableIDs that are equal, or equal but for capital letters.",
		}, ofUsers(func(c census) tally { return c.alike }, "has", "have",
			"the ImmutableID of somebody else, or one that differs in capital letters alone",
			"Entra compares exactly. See that the identity provider sends each one as it is here: one letter decides whose "+
				"account is opened.")},
		{Rule{
			Name: "users-other-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A user must have the ImmutableID that the identity provider sends.",
		}, ofUsers(func(c census) tally { return c.other }, "has", "have",
			"another ImmutableID than the identity provider would send",
			"Change the rule of the identity provider, or the ImmutableID of the users, before the domain is federated.")},
		{Rule{
			Name: "users-synced", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The ImmutableID of a user that a directory sync owns is the sync's.",
		}, ofUsers(func(c census) tally { return c.synced }, "belongs", "belong",
			"to a directory sync",
			"Their ImmutableID is made from the directory that they come from, and cannot be changed in Entra: the identity "+
				"provider must send that.")},
	}
}

// ofUsers is a look at a tally of the users: who is counted is said by a verb in the singular and in the plural, and by what
// follows it.
func ofUsers(of func(census) tally, verb, verbs, what, remedy string) func(Rule, *examination) []Finding {
	return func(r Rule, x *examination) []Finding {
		t := of(x.people)
		if !x.has(factUsers) || t.count == 0 {
			return nil
		}
		who := count(t.count, "user of "+x.domain+" "+verb, "users of "+x.domain+" "+verbs)
		return one(r.finding(who+" "+what+".", remedy, "", t.details...))
	}
}
