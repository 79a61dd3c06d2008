// Package entitlement says what people get by the rules for connections.
package entitlement

import "github.com/entrafed/entrafed/provision"

// Share is what the people of a rule get.
type Share[T any] struct {
	Rule string // its name; empty: there are no rules, and everybody gets it
	Gets []T
}

// Shares are what the people get whom the rules provision, in the order of the rules. A rule whose own is nil gives what
// everybody gets.
func Shares[T any](
	rules []provision.ConnectionRule, everybody []T, own func(provision.ConnectionRule) []T,
) (all []Share[T]) {
	if len(rules) == 0 {
		return []Share[T]{{Gets: everybody}}
	}
	for _, rule := range rules {
		if rule.Action != provision.ActionProvision {
			continue
		}
		gets := own(rule)
		if gets == nil {
			gets = everybody
		}
		all = append(all, Share[T]{rule.Name, gets})
	}
	return all
}

// Licenses is the own of licences, for [Shares].
func Licenses(rule provision.ConnectionRule) []provision.License { return rule.Licenses }

// Groups is the own of groups, for [Shares].
func Groups(rule provision.ConnectionRule) []string { return rule.Groups }
