package federation

// planRules are the rules of what a plan looks at; a diagnosis looks at most of them too.
func planRules() []rule { return nil }
