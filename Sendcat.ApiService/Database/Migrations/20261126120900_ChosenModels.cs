using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Sendcat.ApiService.Database.Migrations
{
    /// <inheritdoc />
    public partial class ChosenModels : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AlterColumn<string>(
                name: "model_id",
                table: "threads",
                type: "text",
                nullable: true,
                oldClrType: typeof(string),
                oldType: "text");

            // Every thread was created with this model and answered by the default one, so it was not a choice. Other text is no model id.
            migrationBuilder.Sql(
                "update threads set model_id = null where model_id = 'moonshotai/kimi-k2.5' or model_id !~ '^[a-zA-Z0-9._:/-]{3,120}$'");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("update threads set model_id = 'moonshotai/kimi-k2.5' where model_id is null");
            migrationBuilder.AlterColumn<string>(
                name: "model_id",
                table: "threads",
                type: "text",
                nullable: false,
                defaultValue: "",
                oldClrType: typeof(string),
                oldType: "text",
                oldNullable: true);
        }
    }
}
