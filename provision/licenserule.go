package provision

// License is one subscription that people get. Exactly one of SKU and Group is set.
type License struct {
	// SKU names a subscription whose seats are given to people directly: its part number ("O365_BUSINESS_PREMIUM", in
	// any case), its SKU ID (a GUID), or its product name ("Microsoft 365 Business Standard").
	SKU string

	// DisabledPlans are services of the SKU that stay off, by name ("YAMMER_ENTERPRISE") or service plan ID.
	DisabledPlans []string

	// Group names a group that gives licences to its members, by object ID (a GUID) or uniqueName. People join it, and
	// the step ends when the directory has given them what the group gives, or says why not.
	Group string

	// Fallbacks are tried in their order while no seat of this one is left, or the tenant does not have it. They cannot
	// have Fallbacks of their own.
	Fallbacks []License
}
