using System.CommandLine;
using Spectre.Console;

namespace Sendcat.Monitor.Chat;

/// <summary><c>chat "…"</c>: sends one message as a guest and streams the answer to the terminal.</summary>
internal static class ChatCommand
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ResponseTimeout = TimeSpan.FromSeconds(60); // for a stream this covers the headers only

    public static Command Create()
    {
        var content = new Argument<string>("question") { Description = "The message to send." };
        var url = ApiUrl.Option();
        var model = new Option<string?>("--model") { Description = "A model id; default: the model that the service chooses." };
        var web = new Option<bool>("--web") { Description = "Lets the assistant search the web." };
        var dialect = new Option<string>("--dialect") { Description = "Format of the event stream.", DefaultValueFactory = _ => "sendcat" };
        dialect.AcceptOnlyFromAmong("sendcat", "ui");
        var command = new Command("chat", "Sends a message and streams the answer to the terminal.") { content, url, model, web, dialect };
        command.SetAction((parsed, stop) => RunAsync(
            new(
                parsed.GetValue(content)!, ApiUrl.Address(parsed.GetValue(url))!, parsed.GetValue(model), parsed.GetValue(web),
                parsed.GetValue(dialect)!),
            AnsiConsole.Console, stop));
        return command;
    }

    private static async Task<int> RunAsync(ChatOptions options, IAnsiConsole console, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = ConnectTimeout };
        using var http = new HttpClient(handler) { BaseAddress = options.Url, Timeout = ResponseTimeout };
        try
        {
            return await new ChatSession(new(http), new(console), TimeProvider.System).RunAsync(options, stop);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync(
                $"Sendcat does not answer at {options.Url}: start it with ./sendcat up, or name another address with --url.");
            return ExitCode.Undecided;
        }
    }
}
