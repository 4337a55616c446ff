{% macro account_mapping__forget_person() %}
    {#- Erases one person, known by the e-mail address in environment variable ACCOUNT_MAPPING_PERSON, from the tables of
        the package and from what partners sent, and says what was erased and what is left to do:
        `dbt run-operation account_mapping__forget_person`.

        No argument, since dbt writes arguments to its log, and no statement holds the address: cells of its length are
        fetched and compared here. -#}
    {{- return(adapter.dispatch('account_mapping__forget_person', 'account_mapping')()) -}}
{% endmacro %}

{% macro default__account_mapping__forget_person() %}
    {%- do exceptions.raise_compiler_error(
        "account_mapping: account_mapping__forget_person works on DuckDB only, this is " ~ target.type ~ ". Delete the"
        ~ " person in the CRM and in partners.partner_contacts, and run `dbt build`."
    ) -%}
{% endmacro %}

{% macro duckdb__account_mapping__forget_person() %}
    {%- if not execute -%}
        {{- return('') -}}
    {%- endif -%}
    {%- set person = env_var('ACCOUNT_MAPPING_PERSON', '') | trim | lower -%}
    {%- if '@' not in person -%}
        {%- do exceptions.raise_compiler_error(
            "account_mapping: environment variable ACCOUNT_MAPPING_PERSON holds no e-mail address. Set it to the address of"
            ~ " the person to forget, as the CRM or the partner writes it."
        ) -%}
    {%- endif -%}
    {%- set names, schemas = [], [target.database ~ "." ~ target.schema] -%}
    {%- set contacts = account_mapping._partners_table('partner_contacts') -%}
    {%- for name in ['partner_accounts', 'partner_contacts', 'partner_fields'] -%}
        {%- set relation = account_mapping._partners_table(name) -%}
        {%- do names.append(relation.database ~ "." ~ relation.schema ~ "." ~ relation.identifier) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() -%}
        {%- if node.resource_type == 'model' and node.package_name == 'account_mapping' -%}
            {%- do names.append(node.database ~ "." ~ node.schema ~ "." ~ node.alias) -%}
            {%- do schemas.append(node.database ~ "." ~ node.schema) -%}
        {%- endif -%}
    {%- endfor -%}
    {#- of a person the whole row goes; of an account whose owner the person is, the cell -#}
    {%- set tables_of_persons = [
        'int_account_mapping__people', 'int_account_mapping__account_people', 'account_mapping__known_people',
        contacts.identifier,
    ] -%}
    {%- set found = run_query(
        "select database_name, schema_name, table_name, string_agg(column_name, chr(31) order by column_index)"
        ~ " from duckdb_columns() inner join duckdb_tables() using (database_name, schema_name, table_name)"
        ~ " where data_type = 'VARCHAR' group by all order by all") -%}
    {%- set tables = [] -%}
    {%- for table in found.rows -%}
        {%- if account_mapping._is_of_package(table, schemas, names) -%}
            {%- do tables.append((
                api.Relation.create(database=table[0], schema=table[1], identifier=table[2]), table[3].split('\x1f'))) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set cells = account_mapping._cells_of_person(tables, person) -%}
    {%- set statements, lines, accounts, partners = [], [], [], [] -%}
    {%- for relation, columns in tables if relation.render() in cells -%}
        {%- set is_of_persons = relation.identifier in tables_of_persons -%}
        {%- set conditions = [] -%}
        {%- for column in cells[relation.render()] -%}
            {%- set condition = adapter.quote(column) ~ " in (select cell from account_mapping_person)" -%}
            {%- do conditions.append(condition) -%}
            {%- if not is_of_persons -%}
                {%- do statements.append((relation.database,
                    "update " ~ relation ~ " set " ~ adapter.quote(column) ~ " = null where " ~ condition)) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- set rows = " from " ~ relation ~ " where " ~ (conditions | join(" or ")) -%}
        {%- if is_of_persons -%}
            {%- if 'account_id' in columns and 'side' in columns -%}
                {%- for row in run_query("select distinct side, partner_id, account_id" ~ rows ~ " order by all").rows -%}
                    {%- do (accounts if row[0] == 'ours' else partners).append(row[2] if row[0] == 'ours' else row[1]) -%}
                {%- endfor -%}
            {%- endif -%}
            {%- do statements.append((relation.database, "delete" ~ rows)) -%}
        {%- endif -%}
        {%- do lines.append("  " ~ run_query("select count(*)" ~ rows).rows[0][0]
            ~ (" rows of " if is_of_persons else " cells of ") ~ relation.schema ~ "." ~ relation.identifier) -%}
    {%- endfor -%}
    {#- a hash cannot be told whose it is: those of all persons of the account go, and the next build makes the others anew -#}
    {%- set match_keys = ref('int_account_mapping__match_keys') -%}
    {%- set shared_keys = ref('account_mapping__shared_keys') -%}
    {%- if accounts and account_mapping._is_there(match_keys) -%}
        {%- set literals = [] -%}
        {%- for account in accounts | unique -%}
            {%- do literals.append(account_mapping._text_literal(account)) -%}
        {%- endfor -%}
        {%- set hashed = " from " ~ match_keys ~ " where key_type = 'person' and account_id in (" ~ (literals | join(", ")) ~ ")" -%}
        {%- set counted = run_query("select count(*)" ~ hashed).rows[0][0] -%}
        {%- if counted -%}
            {%- if account_mapping._is_there(shared_keys) -%}
                {%- do statements.append((shared_keys.database,
                    "delete from " ~ shared_keys ~ " where key_type = 'person' and token in (select token" ~ hashed ~ ")")) -%}
            {%- endif -%}
            {%- do statements.append((match_keys.database, "delete" ~ hashed)) -%}
            {%- do lines.append("  " ~ counted ~ " hashes of persons at the same accounts, which the next build makes anew"
                ~ " without this person's") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if statements -%}
        {%- do account_mapping._in_transactions(statements) -%}
    {%- endif -%}
    {%- do log("account_mapping: " ~ ("erased" if lines else "no table of the package held this person"), info=true) -%}
    {%- for line in lines -%}
        {%- do log(line, info=true) -%}
    {%- endfor -%}
    {%- for line in account_mapping._left_of_person(person, contacts) -%}
        {%- do log(line, info=true) -%}
    {%- endfor -%}
    {%- if partners -%}
        {%- do log("  tell these partners, whose next delivery may hold the person: " ~ (partners | unique | join(", ")),
            info=true) -%}
    {%- endif -%}
    {%- do log("  files that left before, the outbox, backups and partners' files are not touched: see docs/people.md",
        info=true) -%}
{% endmacro %}

{% macro _cells_of_person(tables, person) %}
    {#- Where cells are the address `person`: {relation: [column, ...]}. The temporary table account_mapping_person then
        holds them as they are written, so that statements find them by value: not every database tells a row's id.
        tables: relations, each with its columns of text. A cell may have the apostrophe that spreadsheet_safe sets. -#}
    {%- do run_query("create or replace temp table account_mapping_person (place varchar, name varchar, cell varchar)") -%}
    {%- set fits = "contains(cell, '@') and length(trim(cell, chr(9) || chr(10) || chr(13) || ' ')) in ("
        ~ (person | length) ~ ", " ~ (person | length + 1) ~ ")" -%}
    {%- for relation, columns in tables -%}
        {%- set literals, quoted = [], [] -%}
        {%- for column in columns -%}
            {%- do literals.append(account_mapping._text_literal(column)) -%}
            {%- do quoted.append(adapter.quote(column)) -%}
        {%- endfor -%}
        {%- do run_query("insert into account_mapping_person select distinct "
            ~ account_mapping._text_literal(relation.render()) ~ ", name, cell from (select unnest(["
            ~ (literals | join(", ")) ~ "]) as name, unnest([" ~ (quoted | join(", ")) ~ "]) as cell from " ~ relation
            ~ ") where " ~ fits) -%}
    {%- endfor -%}
    {%- set cells, row_ids = {}, [-1] -%}
    {%- for row in run_query("select rowid, place, name, cell from account_mapping_person order by place, name, rowid").rows
        if ((row[3] | string) | trim | lower) in (person, "'" ~ person) -%}
        {%- do row_ids.append(row[0] | int) -%}
        {%- do cells.update({row[1]: (cells.get(row[1], []) + [row[2]]) | unique(case_sensitive=true) | list}) -%}
    {%- endfor -%}
    {%- do run_query(
        "delete from account_mapping_person where rowid not in (" ~ (row_ids | join(", ")) ~ ")") -%}
    {{- return(cells) -}}
{% endmacro %}

{% macro _left_of_person(person, partner_contacts) %}
    {#- Lines that say where the person still is, and what to do there. -#}
    {%- set lines = [] -%}
    {%- set contacts = ref('int_account_mapping__contact_rows') -%}
    {%- if account_mapping._is_there(contacts) -%}
        {%- set query -%}
            with contacts as (select * from {{ contacts }} where contains(emails, '@')),
            items as ({{ account_mapping.explode_items('contacts', 'emails', ['source_relation', 'source_table', 'source_contact_id']) }}),
            addresses as (
                select distinct source_relation || '.' || source_table as source, source_contact_id,
                    {{ account_mapping.clean_text(account_mapping.object_field('item', ['value'], otherwise_itself=true)) }} as email
                from items
            )
            select source, source_contact_id, email from addresses where length(email) = {{ person | length }} order by all
        {%- endset -%}
        {%- for row in run_query(query).rows if ((row[2] | string) | lower) == person -%}
            {%- do lines.append("  " ~ row[0] ~ " still has the person, as contact " ~ row[1]
                ~ ": delete it in the CRM and in your loader's table, else the next build reads it again") -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set of_partners = ref('stg_account_mapping__partner_contacts') -%}
    {%- if account_mapping._is_there(of_partners) -%}
        {%- for row in run_query("select distinct partner_id, email from " ~ of_partners ~ " where length(trim(email)) = "
            ~ (person | length) ~ " order by all").rows if ((row[1] | string) | trim | lower) == person -%}
            {%- do lines.append("  partners.partner_contacts still has the person, from " ~ row[0]
                ~ ": it is made by a model of yours, delete the row at its source") -%}
        {%- endfor -%}
    {%- endif -%}
    {{- return(lines) -}}
{% endmacro %}

{% macro _is_there(relation) %}
    {#- Whether a table or view exists, asked of the engine: the adapter's look-ups open a transaction of their own. -#}
    {%- set counted = run_query(
        "select count(*) from (select database_name, schema_name, table_name as name from duckdb_tables() union all"
        ~ " select database_name, schema_name, view_name as name from duckdb_views()) as relations"
        ~ " where lower(database_name) = " ~ account_mapping._text_literal(relation.database | lower)
        ~ " and schema_name = " ~ account_mapping._text_literal(relation.schema)
        ~ " and name = " ~ account_mapping._text_literal(relation.identifier)) -%}
    {{- return(counted.rows[0][0] > 0) -}}
{% endmacro %}
