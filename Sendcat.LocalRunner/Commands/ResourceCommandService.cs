using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.ApplicationModel;

public class ResourceCommandService
{
    private readonly IServiceProvider _services;

    internal ResourceCommandService(IServiceProvider services) => _services = services;

    /// <param name="commandName">The command's name, or the text it is shown with.</param>
    public Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        var resource = _services.GetRequiredService<DistributedApplicationModel>().Resources.FirstOrDefault(resource => resource.Name == resourceId);
        var command = resource?.Annotations.OfType<CommandAnnotation>().FirstOrDefault(command => command.Name == commandName || command.DisplayName == commandName);
        return command is null
            ? Task.FromResult(CommandResults.Failure($"'{resourceId}' has no command '{commandName}'."))
            : command.Execute(new() { ServiceProvider = _services, ResourceName = resourceId, CancellationToken = cancellationToken });
    }

    public Task<ExecuteCommandResult> ExecuteCommandAsync(IResource resource, string commandName, CancellationToken cancellationToken = default) =>
        ExecuteCommandAsync(resource.Name, commandName, cancellationToken);
}
