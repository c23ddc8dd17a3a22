using System.Net.Http.Headers;
using System.Net.Http.Json;

namespace Sendcat.AppHost;

/// <summary>
/// Operator commands of the dashboard and of <c>aspire resource</c>. Each sends a request to <c>/api/ops</c> of the API with the operator
/// key and shows the response.
/// Only the AppHost and the API have that key.
/// </summary>
internal static class Operator
{
    /// <summary>
    /// The value that selects all entries. It must be written out, so that an argument left out by mistake cannot select all of them.
    /// </summary>
    private const string Everything = "all";

    public static IResourceBuilder<ProjectResource> WithOperatorCommands(
        this IResourceBuilder<ProjectResource> api, IResourceBuilder<ParameterResource> key) =>
        api
            .WithOperatorCommand(key, "admission-enforce", "Admission: enforce", "/api/ops/admission/enforce", new()
        {
            Description = "Refuse turns over a limit. Takes effect on all replicas within 5 s.",
            ConfirmationMessage = "Enforce admission limits on all replicas?",
            IconName = "ShieldCheckmark",
        })
        .WithOperatorCommand(key, "admission-shadow", "Admission: shadow", "/api/ops/admission/shadow", new()
        {
            Description = "Refuse no turn, and record which turns would be refused.",
            ConfirmationMessage = "Stop enforcing admission limits, and only record which turns would be refused?",
            IconName = "ShieldQuestion",
        })
        .WithOperatorCommand(key, "admission-off", "Admission: off", "/api/ops/admission/off", new()
        {
            Description = "Switch admission control off. Rate limits and bulkheads stay on.",
            ConfirmationMessage = "Switch admission control off on all replicas?",
            IconName = "ShieldDismiss",
        })
        .WithOperatorCommand(key, "tool-cache-clear", "Tool cache: clear", "/api/ops/tool-cache/clear", new()
        {
            Description = "Remove cached tool results, of one namespace or of all.",
            ConfirmationMessage = "Remove these entries from the tool cache?",
            IconName = "BroomRegular",
            Arguments = [Text("namespace", "Namespace", $"Such as search_web_v1, or {Everything}.", required: true)],
        }, Query("namespace"))
        .WithOperatorCommand(key, "taxonomy-refresh", "Taxonomy: refresh", "/api/ops/taxonomy/refresh", new()
        {
            Description = "Fetch eBay's categories now, whatever their age.",
            ConfirmationMessage = "Fetch eBay's categories now?",
            IconName = "ArrowSync",
        })
        .WithOperatorCommand(key, "dead-letters-preview", "Dead letters: preview requeue", "/api/ops/tool-jobs/dead-letters/requeue", new()
        {
            Description = "Show which dead letters a requeue would run again. Changes nothing.",
            IconName = "DocumentSearch",
            Arguments = [Text("tool", "Tool", "Such as search_web; empty for all.")],
        }, Requeue(dryRun: true))
        .WithOperatorCommand(key, "dead-letters-requeue", "Dead letters: requeue", "/api/ops/tool-jobs/dead-letters/requeue", new()
        {
            Description = "Run dead letters again, at a bounded rate.",
            ConfirmationMessage = "Run these dead letters again? The preview command shows which ones.",
            IconName = "ArrowRedo",
            Arguments = [Text("tool", "Tool", "Such as search_web; empty for all.")],
        }, Requeue(dryRun: false));

    /// <summary>Writes the secret of a local run to <c>.sendcat/{name}</c>. Only the owner of the file can read it.</summary>
    public static void WriteKeyFile(this IDistributedApplicationBuilder builder, string name, IResourceBuilder<ParameterResource> secret)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Eventing.Subscribe<BeforeStartEvent>(async (_, cancellationToken) =>
                LocalState.Of(builder).Write(name, await secret.Resource.GetValueAsync(cancellationToken) ?? ""));
        }
    }

    private static IResourceBuilder<ProjectResource> WithOperatorCommand(
        this IResourceBuilder<ProjectResource> api,
        IResourceBuilder<ParameterResource> key,
        string name,
        string displayName,
        string path,
        HttpCommandOptions options,
        Action<HttpCommandRequestContext>? prepare = null)
    {
        options.Method = HttpMethod.Post;
        options.ResultMode = HttpCommandResultMode.Auto;
        options.PrepareRequest = async context =>
        {
            context.Request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer", await key.Resource.GetValueAsync(context.CancellationToken));
            context.Request.Headers.Add("x-sendcat-reason", $"Command {name}");
            prepare?.Invoke(context);
        };
        return api.WithHttpCommand(path, displayName, commandName: name, commandOptions: options);
    }

    private static InteractionInput Text(string name, string label, string description, bool required = false) =>
        new() { Name = name, Label = label, Description = description, InputType = InputType.Text, Required = required, MaxLength = 64 };

    private static Action<HttpCommandRequestContext> Query(string argument) => context =>
    {
        if (Given(context, argument) is { } value && value != Everything)
        {
            context.Request.RequestUri = new UriBuilder(context.Request.RequestUri!)
            {
                Query = $"{argument}={Uri.EscapeDataString(value)}",
            }.Uri;
        }
    };

    private static Action<HttpCommandRequestContext> Requeue(bool dryRun) => context =>
    {
        var tool = Given(context, "tool");
        context.Request.Content = JsonContent.Create(new { tool, all = tool is null, dryRun });
    };

    private static string? Given(HttpCommandRequestContext context, string argument) =>
        context.Arguments.FirstOrDefault(input => input.Name == argument)?.Value is { Length: > 0 } value ? value : null;
}
