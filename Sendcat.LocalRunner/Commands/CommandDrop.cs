using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Sendcat.LocalRunner.Running;
using Sendcat.LocalRunner.State;

namespace Sendcat.LocalRunner.Commands;

/// <summary>
/// Commands from outside the runner: a file <c>run/commands/{id}.request</c> with "resource command" is answered by <c>{id}.answer</c>,
/// whose first word is <c>ok</c> or <c>failed</c>. Only the owner of the state folder can write there.
/// </summary>
internal sealed class CommandDrop(StateFolder folder, DistributedApplicationModel model, ResourceCommandService commands, Narrator narrator) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        List();
        using var watcher = new FileSystemWatcher(folder.Commands, "*.request");
        var arrivals = System.Threading.Channels.Channel.CreateUnbounded<string>();
        watcher.Renamed += (_, file) => arrivals.Writer.TryWrite(file.FullPath);
        watcher.EnableRaisingEvents = true;
        await foreach (var request in arrivals.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await AnswerAsync(request, stoppingToken);
            }
            catch (IOException e)
            {
                narrator.Say($"command {Path.GetFileName(request)} was not answered: {e.Message}");
            }
        }
    }

    private async Task AnswerAsync(string request, CancellationToken cancellationToken)
    {
        var words = (await File.ReadAllTextAsync(request, cancellationToken)).Trim().Split(' ', 2);
        File.Delete(request);
        var result = await commands.ExecuteCommandAsync(words[0], words.ElementAtOrDefault(1) ?? "", cancellationToken);
        var answer = Path.ChangeExtension(request, ".answer");
        await File.WriteAllTextAsync(answer + ".new", $"{(result.Success ? "ok" : "failed")} {result.Message}\n", cancellationToken);
        File.Move(answer + ".new", answer, overwrite: true);
    }

    private void List() => File.WriteAllLines(
        Path.Combine(folder.Run, "commands.txt"),
        model.Resources.SelectMany(resource => resource.Annotations.OfType<CommandAnnotation>().Select(command => $"{resource.Name} {command.DisplayName}")));
}
