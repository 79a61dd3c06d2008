package provision

import (
	"errors"
	"slices"
)

// The answers of https://learn.microsoft.com/graph/api/user-assignlicense that are about licences, told by status, code and
// text. A missing seat and an unknown subscription are [DirectoryError.unlicensable].

// exclusivePlans: a service of the licence excludes one that the account has.
func (e *DirectoryError) exclusivePlans() bool {
	return e.badRequest() && e.says("mutually exclusive service plans")
}

// dependentPlans: a service needs one that the account would not have.
func (e *DirectoryError) dependentPlans() bool {
	return e.badRequest() && e.says("depends on the service plan")
}

// unheld: a licence that is to be taken back is not held, or comes from a group.
func (e *DirectoryError) unheld() bool {
	return e.badRequest() &&
		(e.says("does not have a corresponding license") || e.says("inherited from a group membership"))
}

// isUnheld reports whether err is the refusal to take back a licence that was not given directly.
func isUnheld(err error) bool {
	var answer *DirectoryError
	return errors.As(err, &answer) && answer.unheld()
}

// planRefusal explains a change that the directory refused because of service plans; other errors stay what they are.
func planRefusal(err error, names string) error {
	var answer *DirectoryError
	if !errors.As(err, &answer) {
		return err
	}
	refusal := &LicenseError{License: names, Unsuitable: true, Err: err}
	switch {
	case answer.exclusivePlans():
		refusal.Problem = "its services exclude services that the account has"
		refusal.Remedy = "take the other licence from the account, or switch the service off with DisabledPlans"
	case answer.dependentPlans():
		refusal.Problem = "a service needs another one that the account would not have"
		refusal.Remedy = "give the licence that has it as well, or switch the dependent service off with DisabledPlans"
	default:
		return err
	}
	return refusal
}

// The states of an [AssignedLicense], and the errors of one that a group could not give:
// https://learn.microsoft.com/graph/api/resources/licenseassignmentstate.
const (
	stateActive          = "Active"
	stateActiveWithError = "ActiveWithError"
	stateDisabled        = "Disabled"
	stateError           = "Error"

	violationCount      = "CountViolation"
	violationExclusive  = "MutuallyExclusiveViolation"
	violationDependency = "DependencyViolation"
	violationLocation   = "ProhibitedInUsageLocationViolation"
	violationUniqueness = "UniquenessViolation"
)

// assignmentError is a licence that a group did not give, in the directory's words.
type assignmentError struct{ license AssignedLicense }

func (e *assignmentError) Error() string {
	text := "licence " + e.license.SKUID + " of group " + e.license.GroupID + " is in state " + e.license.State
	if e.license.Error != "" {
		text += ", " + e.license.Error
	}
	return text
}

// isInTheWay reports whether err is a licence that a group did not give because of another one of the account.
func isInTheWay(err error) bool {
	var refusal *assignmentError
	return errors.As(err, &refusal) && refusal.license.Error == violationExclusive
}

// groupRefusal explains why a group did not give its licences. If one fails, the directory gives none of them, and says
// of the others no more than that; so the one that tells most is reported.
func (o offer) groupRefusal(failed []AssignedLicense, tenant []SKU) error {
	rank := []string{violationCount, violationExclusive, violationDependency, violationLocation, violationUniqueness}
	worst := failed[0]
	for _, violation := range slices.Backward(rank) {
		i := slices.IndexFunc(failed, func(l AssignedLicense) bool { return l.Error == violation })
		if i >= 0 {
			worst = failed[i]
		}
	}
	refusal := &LicenseError{
		License: o.license.name(), Tenant: tenant, Unsuitable: worst.Error != violationCount, Err: &assignmentError{worst},
	}
	what := worst.SKUID
	if sku, err := FindSKU(worst.SKUID, tenant); err == nil {
		what = sku.PartNumber
	}
	problem, remedy := violationOf(worst)
	refusal.Problem, refusal.Remedy = "the group could not give "+what+": "+problem, remedy
	return refusal
}

// violationOf says what a group's licence is not given for, and what the operator does about it:
// https://learn.microsoft.com/entra/identity/users/licensing-groups-resolve-problems.
func violationOf(l AssignedLicense) (problem, remedy string) {
	switch {
	case l.Error == violationCount:
		return "no seat is left", "buy or free seats"
	case l.Error == violationExclusive:
		return "its services exclude services that the account has",
			"take the other licence from the account or switch the service off at the group, then reprocess the user"
	case l.Error == violationDependency:
		return "a service needs another one that the account does not have",
			"assign the licence that has it to the same group, then reprocess the user"
	case l.Error == violationLocation:
		return "a service must not be used in the account's country",
			"correct the account's usage location, or switch the service off at the group, then reprocess the user"
	case l.Error == violationUniqueness:
		return "an address of the account belongs to another object as well",
			"remove the duplicate from proxyAddresses, then reprocess the user"
	case l.State == stateDisabled:
		return "the licence is disabled", "renew the subscription"
	}
	return "the directory does not say why", "look at the group's licensing errors and at the audit log in the Microsoft " +
		"Entra admin center"
}
