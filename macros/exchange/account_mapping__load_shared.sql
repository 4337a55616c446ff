{% macro account_mapping__load_shared(partner_id, folder, kinds=[]) %}
    {#- For the exchange command: replaces what one partner gave us by the checked files below `folder`, all or nothing. -#}
    {{- return(adapter.dispatch('account_mapping__load_shared', 'account_mapping')(partner_id, folder, kinds)) -}}
{% endmacro %}

{% macro default__account_mapping__load_shared(partner_id, folder, kinds=[]) %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: the exchange command reads files on DuckDB only, this is " ~ target.type ~ ". Load what the"
        ~ " partner shares with you into partners.partner_keys, partners.partner_agreements, partners.partner_counts and"
        ~ " partners.partner_fields, with your name of the partner as partner_id."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__load_shared(partner_id, folder, kinds=[]) %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set partner = account_mapping._text_literal(partner_id) -%}
    {%- set layouts = account_mapping._exchange_layouts() -%}
    {%- set statements = ["create schema if not exists " ~ account_mapping._partners_table('partner_keys').without_identifier()] -%}
    {%- for kind in layouts -%}
        {%- set relation = account_mapping._partners_table('partner_' ~ kind) -%}
        {%- set file = folder ~ "/" ~ kind ~ ".parquet" if kind in kinds else none -%}
        {%- do statements.extend(account_mapping._replace_rows(relation, kind, partner, file)) -%}
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
            ~ account_mapping._text_literal(folder ~ "/" ~ file ~ ".json") ~ ", format = 'array', columns = {"
            ~ (layout | join(", ")) ~ "})") -%}
    {%- endfor -%}
    {#- one text with its own transaction: whatever fails or is killed in between, the former rows stay -#}
    {%- do run_query("begin transaction;\n" ~ (statements | join(";\n")) ~ ";\ncommit") -%}
{% endmacro %}

{% macro _replace_rows(relation, kind, partner, file) %}
    {#- Statements by which the rows of one partner in `relation` become those of a checked Parquet file, or none. -#}
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
            ~ " from read_parquet(" ~ account_mapping._text_literal(file) ~ ")") -%}
    {%- endif -%}
    {{- return(statements) -}}
{% endmacro %}
