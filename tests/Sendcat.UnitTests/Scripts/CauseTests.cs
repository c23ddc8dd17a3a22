using Sendcat.TestKit.Processes;

namespace Sendcat.UnitTests.Scripts;

/// <summary>What <c>./sendcat up</c> says when the AppHost does not start: <c>cause</c> of scripts/say.sh.</summary>
public sealed class CauseTests
{
    [Theory]
    [InlineData(
        """
        Some line before it.
          Unhandled exception. System.IO.IOException: The configured user limit (128) on the number of inotify instances has been reached.
             at System.IO.FileSystemWatcher.StartRaisingEvents()
             at Program.<Main>(String[] args)
        """,
        "System.IO.IOException: The configured user limit (128) on the number of inotify instances has been reached.")]
    [InlineData("Ports in use.\nThis checkout runs already.", "This checkout runs already.")]
    [InlineData("This checkout runs already.\n   at Program.<Main>(String[] args)", "This checkout runs already.")]
    public async Task Cause_is_the_message_of_an_exception_or_the_last_sentence(string said, string expected)
    {
        using var folder = new TestFolder("cause");
        var file = Path.Combine(folder.Path, "said");
        await File.WriteAllTextAsync(file, said, TestContext.Current.CancellationToken);

        var output = await TestProcess.RunAsync(
            new("bash", "-euo", "pipefail", "-c", ". \"$0\"; cause <\"$1\"", Path.Combine(BuiltProgram.Root, "scripts/say.sh"), file));

        Assert.Equal(expected, output.Trim());
    }
}
