package provision

// AttributeNames lists the properties that [Rules.Attributes] can set, in alphabetical order.
func AttributeNames() []string { return nil }
