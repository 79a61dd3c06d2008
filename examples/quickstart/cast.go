package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// actor is somebody who can sign in at the demonstration.
type actor struct {
	Name   string // for -person and the sign-in form
	Title  string
	Story  string // what will happen
	Person provision.Person
}

// The tenant of the demonstration.
const (
	domain   = "contoso.com"
	business = "O365_BUSINESS_PREMIUM" // what most people get
	standard = "STANDARDPACK"          // what agency workers would get, if a seat were free
)

var skus = []entratest.SKU{
	{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: business, Enabled: 25},
	{ID: "18181a46-0d4e-45cd-891e-60aabd171b4e", PartNumber: standard, Enabled: 1},
}

// employeeGUID is the objectGUID of the employee in the company's directory.
const employeeGUID = "2f1c6d3a-5b7e-4a90-8c1d-9e0f1a2b3c4d"

func cast() ([]actor, error) {
	employeeID, err := provision.ImmutableIDFromObjectGUID(employeeGUID)
	if err != nil {
		return nil, err
	}
	return []actor{
		{
			Name: "google", Title: "A contractor with a Google account",
			Story: "Is new: an account is made, licensed, and ready after a while.",
			Person: provision.Person{Connection: "google", ID: "104627", Email: "google.contractor@example.net",
				GivenName: "Google", Surname: "Contractor"},
		},
		{
			Name: "linkedin", Title: "A partner with a LinkedIn account",
			Story: "Is new as well, from another provider.",
			Person: provision.Person{Connection: "linkedin", ID: "x7Yd2", Email: "linkedin.partner@example.org",
				GivenName: "LinkedIn", Surname: "Partner"},
		},
		{
			Name: "directory", Title: "An employee from the company directory",
			Story: "Is skipped: a directory sync owns the account, which exists already.",
			Person: provision.Person{Connection: "directory", ID: employeeGUID, Email: "employee@" + domain,
				DisplayName: "Directory Employee", UPN: "employee@" + domain, ImmutableID: employeeID},
		},
		{
			Name: "nolicense", Title: "An agency worker for whom no licence is left",
			Story: "Is stopped with a page that says so: all seats of that subscription are taken.",
			Person: provision.Person{Connection: "agency", ID: "w-17", Email: "agency.worker@example.com",
				GivenName: "Agency", Surname: "Worker"},
		},
		{
			Name: "returning", Title: "A contractor who was here before",
			Story: "Continues at once: the account is ready.",
			Person: provision.Person{Connection: "google", ID: "104111", Email: "returning.contractor@example.net",
				GivenName: "Returning", Surname: "Contractor"},
		},
	}, nil
}

func find(actors []actor, name string) (actor, error) {
	at := slices.IndexFunc(actors, func(a actor) bool { return a.Name == name })
	if at >= 0 {
		return actors[at], nil
	}
	names := make([]string, 0, len(actors))
	for _, a := range actors {
		names = append(names, a.Name)
	}
	return actor{}, fmt.Errorf("there is nobody called %q: choose one of %s", name, strings.Join(names, ", "))
}

// residents are the users whom the tenant has from the start: the synced employee and the contractor of earlier.
func residents(actors []actor) ([]entratest.User, error) {
	employee, err := find(actors, "directory")
	if err != nil {
		return nil, err
	}
	returning, err := find(actors, "returning")
	if err != nil {
		return nil, err
	}
	record := pastRecord(returning.Person, time.Time{})
	return []entratest.User{
		{UPN: employee.Person.UPN, ImmutableID: employee.Person.ImmutableID, DisplayName: employee.Person.DisplayName,
			UsageLocation: usageLocation, Enabled: true, DirectorySynced: true, SKUIDs: []string{skus[1].ID}},
		{UPN: record.UPN, ImmutableID: record.ImmutableID, DisplayName: "Returning Contractor",
			UsageLocation: usageLocation, Enabled: true, SKUIDs: []string{skus[0].ID}},
	}, nil
}

// pastRecord is what the pipeline remembers of somebody who was provisioned earlier.
func pastRecord(p provision.Person, at time.Time) provision.Record {
	return provision.Record{
		Key:         p.Key(),
		ImmutableID: provision.ImmutableIDFromSubject(p.Connection, p.ID),
		UPN:         "returning.contractor@" + domain,
		ReservedAt:  at, CreatedAt: at, LicensedAt: at, ReadyAt: at,
	}
}
