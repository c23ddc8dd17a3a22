using System.Reflection;
using Aspire.Hosting;
using Microsoft.Extensions.Hosting;
using Sendcat.LocalRunner.Hosting;

namespace Sendcat.LocalRunner.Testing;

/// <summary>Runs an AppHost's own entry point up to its <c>Build()</c>, and hands over the builder as it is then.</summary>
internal sealed class EntryPointCapture(Assembly assembly)
{
    private static readonly AsyncLocal<EntryPointCapture?> Ambient = new();
    private readonly TaskCompletionSource<LocalApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static EntryPointCapture? Current => Ambient.Value;

    public Assembly Assembly { get; } = assembly;

    public static Task<LocalApplicationBuilder> RunAsync(Assembly assembly, string[] args)
    {
        var capture = new EntryPointCapture(assembly);
        new Thread(() => capture.Run(args)) { IsBackground = true, Name = "AppHost entry point" }.Start();
        return capture._builder.Task;
    }

    /// <summary>Called by <c>Build()</c>: keeps the builder and ends the entry point there.</summary>
    public void Take(LocalApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        throw new HostAbortedException();
    }

    private void Run(string[] args)
    {
        Ambient.Value = this;
        var main = Assembly.EntryPoint ?? throw new InvalidOperationException($"{Assembly} has no entry point.");
        try
        {
            var result = main.Invoke(null, main.GetParameters().Length == 0 ? null : [args]);
            _builder.TrySetException(new DistributedApplicationException($"The AppHost ended with '{result ?? 0}' before it built its application."));
        }
        catch (TargetInvocationException e) when (e.InnerException is HostAbortedException)
        {
            // Build() was reached; its builder is already handed over.
        }
        catch (TargetInvocationException e)
        {
            _builder.TrySetException(e.InnerException!);
        }
    }
}

/// <summary>A test ends its application itself; Ctrl-C belongs to the test runner.</summary>
internal sealed class TestLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
