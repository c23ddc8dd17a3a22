using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Sendcat.LocalRunner.State;

namespace Sendcat.LocalRunner.Running;

/// <summary>What to start for one replica: command, arguments, environment, as they are worth at this moment.</summary>
internal sealed record ProcessPlan(string Command, IReadOnlyList<string> Arguments, string WorkingDirectory, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>Every process of a run carries this, with the run's state folder as value; <c>./sendcat down</c> knows its own by it.</summary>
    public const string Mark = "SENDCAT_RUN";

    public static async Task<ProcessPlan> OfAsync(IResource resource, string name, int replica, StateFolder folder, CancellationToken cancellationToken)
    {
        var context = new EnvironmentCallbackContext(new(), cancellationToken: cancellationToken);
        var variables = context.EnvironmentVariables;
        variables[Mark] = folder.Path;
        variables["OTEL_SERVICE_NAME"] = resource.Name;
        variables["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={name}";
        variables["ASPNETCORE_ENVIRONMENT"] = System.Environment.GetEnvironmentVariable("ASPNETCORE_ENVIRONMENT") ?? "Development";
        AddEndpoints(resource, replica, variables);
        foreach (var annotation in resource.Annotations.OfType<EnvironmentAnnotation>())
        {
            await annotation.Callback(context);
        }

        var arguments = new CommandLineArgsCallbackContext([], cancellationToken);
        foreach (var annotation in resource.Annotations.OfType<ArgumentsAnnotation>())
        {
            await annotation.Callback(arguments);
        }

        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in variables)
        {
            environment[key] = await TextOfAsync(value, cancellationToken);
        }

        var words = new List<string>();
        foreach (var argument in arguments.Args)
        {
            words.Add(await TextOfAsync(argument, cancellationToken));
        }

        return resource is ExecutableResource executable
            ? new(executable.Command, words, executable.WorkingDirectory, environment)
            : OfProject(resource, words, environment);
    }

    private static ProcessPlan OfProject(IResource resource, List<string> arguments, Dictionary<string, string> environment)
    {
        var program = resource.Last<BuiltProgramAnnotation>()!.Path;
        var project = Path.GetDirectoryName(resource.Annotations.OfType<IProjectMetadata>().Last().ProjectPath)!;
        return new("dotnet", [program, .. arguments], project, environment);
    }

    private static void AddEndpoints(IResource resource, int replica, Dictionary<string, object> variables)
    {
        var endpoints = resource.Annotations.OfType<EndpointAnnotation>().ToArray();
        foreach (var endpoint in endpoints.Where(endpoint => endpoint.EnvironmentVariable is not null))
        {
            variables[endpoint.EnvironmentVariable!] = endpoint.OwnPort(replica).ToString(CultureInfo.InvariantCulture);
        }

        if (resource is not ProjectResource || endpoints.Where(endpoint => endpoint.IsHttp).ToArray() is not [_, ..] http)
        {
            return;
        }

        variables["ASPNETCORE_URLS"] = string.Join(';', http.Select(endpoint => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{endpoint.OwnPort(replica)}")));
        if (http.FirstOrDefault(endpoint => endpoint.IsProxied) is { } shared)
        {
            variables["SENDCAT_SHARED_PORT"] = shared.AllocatedPort.ToString(CultureInfo.InvariantCulture);
        }
    }

    private static async Task<string> TextOfAsync(object value, CancellationToken cancellationToken) => value switch
    {
        string text => text,
        IValueProvider provider => await provider.GetValueAsync(cancellationToken) ?? "",
        IResourceBuilder<IResource> { Resource: IValueProvider provider } => await provider.GetValueAsync(cancellationToken) ?? "",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };
}
