using System.Net.Http.Headers;

namespace Sendcat.AppHost;

/// <summary>What an operator holds in hand: commands on the resources, and the key that they are signed with.</summary>
internal static class Operator
{
    public static IResourceBuilder<ProjectResource> WithOperatorCommand(
        this IResourceBuilder<ProjectResource> service, string name, string path, IResourceBuilder<ParameterResource> key) =>
        service.WithHttpCommand(path, name, commandOptions: new HttpCommandOptions
        {
            Method = HttpMethod.Post,
            PrepareRequest = async context =>
                context.Request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", await key.Resource.GetValueAsync(context.CancellationToken)),
        });

    /// <summary>Writes the secret of a local run to <c>.sendcat/{name}</c>, readable by its owner only.</summary>
    public static void KeepForOperator(this IDistributedApplicationBuilder builder, string name, IResourceBuilder<ParameterResource> secret)
    {
        if (builder.ExecutionContext.IsRunMode)
        {
            builder.Eventing.Subscribe<BeforeStartEvent>(async (_, cancellationToken) =>
                await LocalState.Of(builder).WriteSecretAsync(name, await secret.Resource.GetValueAsync(cancellationToken) ?? "", cancellationToken));
        }
    }
}
