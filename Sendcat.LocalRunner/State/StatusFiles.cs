using System.Globalization;
using System.Text.Json;
using Sendcat.LocalRunner.Running;

namespace Sendcat.LocalRunner.State;

/// <summary>
/// What a run says of itself to the <c>sendcat</c> script and to tests, in <c>.sendcat/run/</c>: <c>phase</c> (starting, ready, stopping),
/// <c>runner.pid</c>, <c>resources.txt</c> (the table) and <c>resources.json</c>. Gone when the run ends in order.
/// </summary>
internal sealed class StatusFiles(StateFolder folder)
{
    private static readonly string[] Names = ["phase", "runner.pid", "resources.txt", "resources.json"];

    public void Phase(string phase)
    {
        Put("runner.pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        Put("phase", phase);
    }

    public void Table(IReadOnlyList<InstanceStatus> rows)
    {
        Put("resources.txt", ResourceTable.Render(rows));
        Put("resources.json", JsonSerializer.Serialize(rows.Select(row => new
        {
            name = row.Name,
            resource = row.Resource.Name,
            state = row.State.ToString(),
            healthy = row.Healthy,
            url = row.Url,
            pid = row.Pid,
            restarts = row.Restarts,
        })));
    }

    public void Remove()
    {
        foreach (var name in Names)
        {
            File.Delete(Path.Combine(folder.Run, name));
        }
    }

    /// <summary>By a rename, so that a reader never sees half of it.</summary>
    private void Put(string name, string text)
    {
        var path = Path.Combine(folder.Run, name);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path, overwrite: true);
    }
}
