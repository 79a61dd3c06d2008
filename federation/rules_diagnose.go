package federation

// diagnoseRules are the rules that only a diagnosis looks at.
func diagnoseRules() []rule { return nil }
