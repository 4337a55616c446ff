{% macro account_mapping__load_shared(partner_id, folder, files) %}
    {#- For the exchange command: replaces what one partner gave us by the checked files below `folder`, all or nothing.
        files: by kind, also `statement` and `accepted`, the name of each file and how many rows it must have. -#}
    {{- return(adapter.dispatch('account_mapping__load_shared', 'account_mapping')(partner_id, folder, files)) -}}
{% endmacro %}

{% macro default__account_mapping__load_shared(partner_id, folder, files) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command reads files on DuckDB only, this is " ~ target.type ~ ". Load what the"
        ~ " partner shares with you into partners.partner_keys, partners.partner_agreements, partners.partner_counts and"
        ~ " partners.partner_fields, with your name of the partner as partner_id."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__load_shared(partner_id, folder, files) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set partner = account_mapping._text_literal(partner_id) -%}
    {%- set layouts = account_mapping._exchange_layouts() -%}
    {%- set statements = ["create schema if not exists " ~ account_mapping._partners_table('partner_keys').without_identifier()] -%}
    {%- for kind in layouts -%}
        {%- set relation = account_mapping._partners_table('partner_' ~ kind) -%}
        {%- do statements.extend(account_mapping._replace_rows(relation, kind, partner, folder, files.get(kind))) -%}
    {%- endfor -%}
    {%- set stated = {
        'partner_agreements': ('statement', {
            'direction': 'varchar', 'our_status': 'varchar', 'partner_status': 'varchar', 'level': 'varchar',
            'fields': 'varchar', 'minimum_count': 'bigint', 'valid_from': 'date', 'valid_until': 'date',
            'agreement_hash': 'varchar',
        }),
        'partner_manifests': ('accepted', {
            'sender': 'varchar', 'agreement_id': 'varchar', 'epoch': 'varchar', 'sequence': 'bigint', 'mac': 'varchar',
            'statement_hash': 'varchar', 'partner_statement_hash': 'varchar', 'created_on': 'date',
            'expires_on': 'date',
        }),
    } -%}
    {%- for table, (file, columns) in stated.items() -%}
        {%- set relation = account_mapping._partners_table(table) -%}
        {%- set typed, layout = [], [] -%}
        {%- for column, type in columns.items() -%}
            {%- do typed.append(column ~ " " ~ type) -%}
            {%- do layout.append(account_mapping._text_literal(column) ~ ": " ~ account_mapping._text_literal(type)) -%}
        {%- endfor -%}
        {%- do statements.append(
            "create table if not exists " ~ relation ~ " (partner_id varchar, " ~ (typed | join(", ")) ~ ")") -%}
        {%- do statements.append("delete from " ~ relation ~ " where partner_id = " ~ partner) -%}
        {%- do statements.append(
            "insert into " ~ relation ~ " by name select " ~ partner ~ " as partner_id, * from read_json("
            ~ account_mapping._text_literal(folder ~ "/" ~ files[file]['name']) ~ ", format = 'array', columns = {"
            ~ (layout | join(", ")) ~ "})") -%}
        {%- do statements.append(account_mapping._must_have_rows(relation, partner, files[file]['rows'])) -%}
    {%- endfor -%}
    {#- one text with its own transaction: whatever fails or is killed in between, the former rows stay -#}
    {%- do run_query("begin transaction;\n" ~ (statements | join(";\n")) ~ ";\ncommit") -%}
{% endmacro %}

{% macro _replace_rows(relation, kind, partner, folder, file) %}
    {#- Statements by which the rows of one partner in `relation` become those of a checked Parquet file, or none.
        file: its name below `folder` and its number of rows. -#}
    {%- set typed, read = [], [] -%}
    {%- for column in account_mapping._exchange_layouts()[kind]['columns'] -%}
        {%- set type = 'bigint' if column == 'companies' else 'varchar' -%}
        {%- do typed.append(column ~ " " ~ type) -%}
        {%- do read.append("cast(" ~ column ~ " as " ~ type ~ ") as " ~ column) -%}
    {%- endfor -%}
    {%- set statements = [
        "create table if not exists " ~ relation ~ " (partner_id varchar, " ~ (typed | join(", ")) ~ ")",
        "delete from " ~ relation ~ " where partner_id = " ~ partner,
    ] -%}
    {%- if file -%}
        {%- do statements.append(
            "insert into " ~ relation ~ " by name select " ~ partner ~ " as partner_id, " ~ (read | join(", "))
            ~ " from read_parquet(" ~ account_mapping._text_literal(folder ~ "/" ~ file['name']) ~ ")") -%}
    {%- endif -%}
    {%- do statements.append(account_mapping._must_have_rows(relation, partner, file['rows'] if file else 0)) -%}
    {{- return(statements) -}}
{% endmacro %}

{% macro _must_have_rows(relation, partner, rows) %}
    {#- A statement that fails, and with it the transaction, unless a partner has so many rows in `relation`. -#}
    {{- return(
        "select case when (select count(*) from " ~ relation ~ " where partner_id = " ~ partner ~ ") <> " ~ rows
        ~ " then error(" ~ account_mapping._text_literal("account_mapping: " ~ relation.identifier
        ~ " did not get the " ~ rows ~ " rows that were checked: nothing was loaded") ~ ") end") -}}
{% endmacro %}
