package graph

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/microsoftgraph/msgraph-sdk-go/models"
)

// attributeName is what a name must be. The SDK writes names as they are, so that a quote in one would be JSON.
var attributeName = regexp.MustCompile(`^[A-Za-z]{1,64}$`)

// ownFields are the properties that are sent by fields of their own, or by none.
func ownFields() []string {
	return []string{
		"id", "userPrincipalName", "onPremisesImmutableId", "accountEnabled", "passwordProfile", "displayName",
		"mailNickname", "givenName", "surname", "usageLocation",
	}
}

// checkAttributes lists all names that cannot be sent.
func checkAttributes(attributes map[string]string) error {
	var errs []error
	for _, name := range sortedNames(attributes) {
		switch {
		case !attributeName.MatchString(name):
			errs = append(errs, fmt.Errorf("graph: the attribute %q cannot be sent: a name is 1 to 64 letters", name))
		case slices.ContainsFunc(ownFields(), func(field string) bool { return strings.EqualFold(field, name) }):
			errs = append(errs, fmt.Errorf("graph: the attribute %q cannot be sent: it is not one of those that are left "+
				"to attributes", name))
		}
	}
	return errors.Join(errs...)
}

func sortedNames(attributes map[string]string) []string {
	var names []string
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// setAttributes adds the attributes to the user's own properties, with further ones that the models cannot express. An
// empty one is not sent.
func setAttributes(user models.Userable, attributes map[string]string, further map[string]any) {
	properties := map[string]any{}
	for name, text := range attributes {
		switch {
		case text == "":
		case isList(name):
			properties[name] = []string{text}
		default:
			properties[name] = text
		}
	}
	for name, property := range further {
		properties[name] = property
	}
	user.SetAdditionalData(properties)
}

// isList reports whether a property of the user resource is a list: https://learn.microsoft.com/graph/api/resources/user.
func isList(name string) bool {
	return name == "businessPhones" || name == "otherMails"
}
