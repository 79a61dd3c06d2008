package main

import (
	"slices"
	"time"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// What a simulated tenant has unless the environment says otherwise.
const (
	simulatedDomain   = "contoso.com"
	simulatedLocation = "US"
	simulatedLicense  = "O365_BUSINESS_PREMIUM"
	simulatedSeats    = 10_000
)

// simulatedVariables fills in what a simulation does not ask for.
func simulatedVariables(e *environment.Variables) {
	for name, value := range map[string]string{
		environment.Domain: simulatedDomain, environment.UsageLocation: simulatedLocation, environment.Licenses: simulatedLicense,
	} {
		e.Default(name, value)
	}
}

// newSimulation makes a tenant in which somebody has an account already, and the groups that the rules name; those
// that give licences give the first one.
func newSimulation(rules provision.Rules, clock *entratest.Clock, now time.Time) (*entratest.Tenant, error) {
	cfg := entratest.Config{
		Domains: []entratest.Domain{{Name: rules.Domain}},
		SKUs: []entratest.SKU{
			{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: simulatedLicense, Enabled: simulatedSeats},
			{ID: "18181a46-0d4e-45cd-891e-60aabd171b4e", PartNumber: "STANDARDPACK", Enabled: simulatedSeats},
		},
		Users: []entratest.User{{
			UPN: "employee@" + rules.Domain, ImmutableID: "employee0001", Enabled: true, UsageLocation: simulatedLocation,
			CreatedAt: now.AddDate(-1, 0, 0),
		}},
		Clock: clock,
		Seed:  1,
	}
	for _, name := range groupsOf(rules) {
		cfg.Groups = append(cfg.Groups, simulatedGroup(name))
	}
	for _, name := range licenseGroupsOf(rules) {
		group := simulatedGroup(name)
		group.SKUIDs = []string{cfg.SKUs[0].ID}
		cfg.Groups = append(cfg.Groups, group)
	}
	return entratest.New(cfg)
}

// licenseGroupsOf are the groups that give licences by the rules, each once.
func licenseGroupsOf(rules provision.Rules) (names []string) {
	for _, of := range licenseShares(rules) {
		for _, license := range of.Gets {
			for _, l := range append([]provision.License{license}, license.Fallbacks...) {
				if l.Group != "" && !slices.Contains(names, l.Group) {
					names = append(names, l.Group)
				}
			}
		}
	}
	return names
}

func simulatedGroup(name string) entratest.Group {
	key := environment.GroupKey(name)
	return entratest.Group{DisplayName: name, ObjectID: key.ObjectID, UniqueName: key.UniqueName}
}
