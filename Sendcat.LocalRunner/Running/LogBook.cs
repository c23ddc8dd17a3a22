using Aspire.Hosting.ApplicationModel;
using Sendcat.LocalRunner.State;

namespace Sendcat.LocalRunner.Running;

/// <summary>The output of every process: to the terminal, and to <c>logs/{name}.log</c> of this run. Secrets are masked in both.</summary>
internal sealed class LogBook(StateFolder folder, Narrator narrator) : IDisposable
{
    private readonly Lock _writing = new();
    private readonly Dictionary<string, StreamWriter> _files = new(StringComparer.Ordinal);
    private SecretMask _mask = SecretMask.None;

    public async Task OpenAsync(IEnumerable<IResource> resources, CancellationToken cancellationToken)
    {
        _mask = await SecretMask.OfAsync(resources, cancellationToken);
        foreach (var old in Directory.EnumerateFiles(folder.Logs, "*.log").Where(file => Path.GetFileName(file) != "runner.log"))
        {
            File.Delete(old);
        }
    }

    public void Write(string name, string? line)
    {
        if (line is null)
        {
            return;
        }

        var safe = _mask.Apply(line);
        narrator.Say(name, safe);
        lock (_writing)
        {
            if (!_files.TryGetValue(name, out var file))
            {
                file = _files[name] = new(Path.Combine(folder.Logs, $"{name}.log"), append: true) { AutoFlush = true };
            }

            file.WriteLine(safe);
        }
    }

    public void Dispose()
    {
        lock (_writing)
        {
            foreach (var file in _files.Values)
            {
                file.Dispose();
            }

            _files.Clear();
        }
    }
}
