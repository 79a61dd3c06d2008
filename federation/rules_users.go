package federation

// usersRules look at the people of the domain itself, for whether the identity provider's NameID finds their accounts.
func usersRules() []rule {
	return []rule{
		{Rule{
			Name: "users-without-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A user without an ImmutableID cannot sign in to a federated domain.",
		}, usersWithout},
		{Rule{
			Name: "users-same-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "No two users should have ImmutableIDs that are equal, or equal but for capital letters.",
		}, usersAlike},
		{Rule{
			Name: "users-other-immutable-id", Severity: SeverityWarning, AADSTS: "AADSTS51004",
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "A user must have the ImmutableID that the identity provider sends.",
		}, usersOther},
		{Rule{
			Name: "users-synced", Severity: SeverityNotice,
			Purposes: []Purpose{PurposeFederate, PurposeDiagnose},
			Meaning:  "The ImmutableID of a user that a directory sync owns is the sync's.",
		}, usersSynced},
	}
}

func usersWithout(r Rule, x *examination) []Finding {
	missing := x.people.missing
	if !x.has(factUsers) || missing.count == 0 {
		return nil
	}
	return one(r.finding(count(missing.count, "user of "+x.domain+" has", "users of "+x.domain+" have")+" no ImmutableID.",
		"Give each one the NameID that the identity provider sends for them, before the domain is federated: later it may "+
			"be possible only by way of another domain.", "", missing.details...))
}

func usersAlike(r Rule, x *examination) []Finding {
	alike := x.people.alike
	if !x.has(factUsers) || alike.count == 0 {
		return nil
	}
	return one(r.finding(count(alike.count, "user of "+x.domain+" has", "users of "+x.domain+" have")+
		" the ImmutableID of somebody else, or one that differs in capital letters alone.",
		"Entra compares exactly. See that the identity provider sends each one as it is here: one letter decides whose "+
			"account is opened.", "", alike.details...))
}

func usersOther(r Rule, x *examination) []Finding {
	other := x.people.other
	if !x.has(factUsers) || other.count == 0 {
		return nil
	}
	return one(r.finding(count(other.count, "user of "+x.domain+" has", "users of "+x.domain+" have")+
		" another ImmutableID than the identity provider would send.",
		"Change the rule of the identity provider, or the ImmutableID of the users, before the domain is federated.", "",
		other.details...))
}

func usersSynced(r Rule, x *examination) []Finding {
	synced := x.people.synced
	if !x.has(factUsers) || synced.count == 0 {
		return nil
	}
	return one(r.finding(count(synced.count, "user of "+x.domain+" belongs", "users of "+x.domain+" belong")+
		" to a directory sync.",
		"Their ImmutableID is made from the directory that they come from, and cannot be changed in Entra: the identity "+
			"provider must send that.", "", synced.details...))
}
