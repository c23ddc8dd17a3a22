using System.CommandLine;
using Sendcat.Attacks.Attacks;
using Sendcat.Attacks.Fuzz;
using Sendcat.Attacks.Sockets;

namespace Sendcat.Attacks;

/// <summary>
/// The entry point: <c>dotnet run -c Release --project tests/Sendcat.Attacks --
/// list|attack|fuzz|idle|slow-headers|slow-bodies|never-readers --help</c>. docs/security.md describes the commands.
/// </summary>
internal static class AttacksProgram
{
    private static Task<int> Main(string[] args)
    {
        var root = new RootCommand(
            "Attacks an instance of Sendcat that it starts itself on this machine, beside honest users. It contacts nothing else.")
        {
            List(),
            AttackCommand.Create(),
            FuzzCommand.Create(),
            HoldCommand.Create(),
        };
        foreach (var command in SocketsCommand.All())
        {
            root.Add(command);
        }

        return root.Parse(args).InvokeAsync();
    }

    private static Command List()
    {
        var command = new Command("list", "Lists the attacks with their numbers.");
        command.SetAction(_ =>
        {
            foreach (var attack in AttackList.All)
            {
                Console.WriteLine($"{attack.Number,3}  {attack.Title}");
            }
        });
        return command;
    }
}
