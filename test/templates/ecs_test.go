package templates

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const ecsFolder = "../../deploy/ecs/"

// decode reads what is meant for the ECS API, whatever the case of its names: a name that the API does not know and a
// word that it does not take are errors.
func decode(t *testing.T, text []byte, input any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(input); err != nil {
		t.Fatal(err)
	}
	checkWords(t, reflect.ValueOf(input))
}

// checkWords looks at all values of the SDK's enumerations.
func checkWords(t *testing.T, v reflect.Value) {
	t.Helper()
	if !v.IsValid() || v.IsZero() {
		return
	}
	if values := v.MethodByName("Values"); values.IsValid() && v.Kind() == reflect.String {
		known := values.Call(nil)[0]
		for i := range known.Len() {
			if known.Index(i).String() == v.String() {
				return
			}
		}
		t.Errorf("%q is no %s", v.String(), v.Type())
	}
	switch v.Kind() {
	case reflect.Pointer:
		checkWords(t, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			checkWords(t, v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			checkWords(t, v.Index(i))
		}
	default:
	}
}

func taskDefinition(t *testing.T, name string) *ecs.RegisterTaskDefinitionInput {
	t.Helper()
	text, err := os.ReadFile(ecsFolder + name)
	if err != nil {
		t.Fatal(err)
	}
	var input ecs.RegisterTaskDefinitionInput
	decode(t, text, &input)
	return &input
}

// rotd is the container that rotd runs in.
func rotd(t *testing.T, input *ecs.RegisterTaskDefinitionInput) *types.ContainerDefinition {
	t.Helper()
	for i := range input.ContainerDefinitions {
		if c := &input.ContainerDefinitions[i]; *c.Name == "rotd" {
			return c
		}
	}
	t.Fatal("no container rotd")
	return nil
}

// whose are the names that differ between accounts.
var whose = cmp.Options{
	cmpopts.IgnoreUnexported(
		ecs.RegisterTaskDefinitionInput{}, types.ContainerDefinition{}, types.ContainerDependency{}, types.HealthCheck{},
		types.LinuxParameters{}, types.LogConfiguration{}, types.MountPoint{}, types.Secret{}, types.Volume{},
		types.EFSVolumeConfiguration{}, types.EFSAuthorizationConfig{},
	),
	cmpopts.IgnoreFields(ecs.RegisterTaskDefinitionInput{}, "TaskRoleArn", "ExecutionRoleArn"),
	cmpopts.IgnoreFields(types.ContainerDefinition{}, "Image"),
	cmpopts.IgnoreFields(types.EFSVolumeConfiguration{}, "FileSystemId"),
	cmpopts.IgnoreFields(types.EFSAuthorizationConfig{}, "AccessPointId"),
	cmpopts.IgnoreFields(types.LogConfiguration{}, "Options"),
	cmpopts.IgnoreFields(types.Secret{}, "ValueFrom"),
}

func TestTheTaskOnFargateIsThatOfTheTemplate(t *testing.T) {
	each(t, "ecs.yaml", func(t *testing.T, s *stack) {
		text, err := json.Marshal(s.properties(t, "TaskDefinition"))
		if err != nil {
			t.Fatal(err)
		}
		var template ecs.RegisterTaskDefinitionInput
		decode(t, text, &template)
		if diff := cmp.Diff(taskDefinition(t, "task-definition-fargate.json"), &template, whose); diff != "" {
			t.Errorf("(-file +template):\n%s", diff)
		}
	})
}

func TestTheTasksDifferInWhereTheStateIsAlone(t *testing.T) {
	fargate, ec2 := taskDefinition(t, "task-definition-fargate.json"), taskDefinition(t, "task-definition-ec2.json")
	if diff := cmp.Diff(rotd(t, fargate), rotd(t, ec2), whose); diff != "" {
		t.Errorf("(-fargate +ec2):\n%s", diff)
	}
	if fargate.Volumes[0].EfsVolumeConfiguration == nil || ec2.Volumes[0].Host == nil {
		t.Error("the state is on EFS on Fargate, and on the instance's disk on EC2")
	}
}

func TestTheContainerMayLittle(t *testing.T) {
	for _, name := range []string{"task-definition-fargate.json", "task-definition-ec2.json"} {
		c := rotd(t, taskDefinition(t, name))
		if *c.User != "65532:65532" || !*c.ReadonlyRootFilesystem || *c.StopTimeout < 45 || len(c.Environment) > 0 {
			t.Errorf("%s: user %s, root read-only %t, %d s to stop, environment %v", name, *c.User,
				*c.ReadonlyRootFilesystem, *c.StopTimeout, c.Environment)
		}
		if diff := cmp.Diff([]string{"CMD", "/rotd", "health"}, c.HealthCheck.Command); diff != "" {
			t.Errorf("%s: health check (-want +got):\n%s", name, diff)
		}
	}
}

func TestTwoTasksNeverShareTheState(t *testing.T) {
	text, err := os.ReadFile(ecsFolder + "service.json")
	if err != nil {
		t.Fatal(err)
	}
	var file ecs.CreateServiceInput
	decode(t, text, &file)
	if file.AvailabilityZoneRebalancing != types.AvailabilityZoneRebalancingDisabled {
		t.Error("rebalancing starts a task before it stops the other")
	}
	each(t, "ecs.yaml", func(t *testing.T, s *stack) {
		text, err := json.Marshal(s.properties(t, "Service"))
		if err != nil {
			t.Fatal(err)
		}
		var template ecs.CreateServiceInput
		decode(t, text, &template)
		for name, input := range map[string]*ecs.CreateServiceInput{"service.json": &file, "ecs.yaml": &template} {
			d := input.DeploymentConfiguration
			if *input.DesiredCount != 1 || *d.MinimumHealthyPercent != 0 || *d.MaximumPercent != 100 {
				t.Errorf("%s: %d tasks, %d to %d %% while deploying", name, *input.DesiredCount, *d.MinimumHealthyPercent,
					*d.MaximumPercent)
			}
			if !input.EnableExecuteCommand {
				t.Errorf("%s: responders cannot get in", name)
			}
		}
	})
}
