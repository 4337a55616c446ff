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
    {%- set statements, lines, accounts, partners = [], [], [], [] -%}
    {%- for table in found.rows -%}
        {%- set name = table[0] ~ "." ~ table[1] ~ "." ~ table[2] -%}
        {%- set is_left_over = (table[0] ~ "." ~ table[1]) in schemas
            and table[2].startswith(('int_account_mapping__', 'stg_account_mapping__')) -%}
        {%- if name in names or is_left_over -%}
            {%- set relation = api.Relation.create(database=table[0], schema=table[1], identifier=table[2]) -%}
            {%- set columns = table[3].split('\x1f') -%}
            {%- set cells = account_mapping._cells_of_person(relation, columns, person) -%}
            {%- set rows = [] -%}
            {%- for column, row_ids in cells.items() if row_ids -%}
                {%- do rows.extend(row_ids) -%}
                {%- if table[2] not in tables_of_persons -%}
                    {%- do statements.append("update " ~ relation ~ " set " ~ adapter.quote(column)
                        ~ " = null where rowid in (" ~ (row_ids | join(", ")) ~ ")") -%}
                {%- endif -%}
            {%- endfor -%}
            {%- set rows = rows | unique | list -%}
            {%- if rows and table[2] in tables_of_persons -%}
                {%- if 'account_id' in columns and 'side' in columns -%}
                    {%- for row in run_query("select distinct side, partner_id, account_id from " ~ relation
                        ~ " where rowid in (" ~ (rows | join(", ")) ~ ") order by all").rows -%}
                        {%- do (accounts if row[0] == 'ours' else partners).append(row[2] if row[0] == 'ours' else row[1]) -%}
                    {%- endfor -%}
                {%- endif -%}
                {%- do statements.append("delete from " ~ relation ~ " where rowid in (" ~ (rows | join(", ")) ~ ")") -%}
            {%- endif -%}
            {%- if rows -%}
                {%- do lines.append("  " ~ (rows | length) ~ (" rows of " if table[2] in tables_of_persons else " cells of ")
                    ~ table[1] ~ "." ~ table[2]) -%}
            {%- endif -%}
        {%- endif -%}
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
                {%- do statements.append(
                    "delete from " ~ shared_keys ~ " where key_type = 'person' and token in (select token" ~ hashed ~ ")") -%}
            {%- endif -%}
            {%- do statements.append("delete" ~ hashed) -%}
            {%- do lines.append("  " ~ counted ~ " hashes of persons at the same accounts, which the next build makes anew"
                ~ " without this person's") -%}
        {%- endif -%}
    {%- endif -%}
    {%- if statements -%}
        {%- do run_query("begin transaction;\n" ~ (statements | join(";\n")) ~ ";\ncommit") -%}
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

{% macro _cells_of_person(relation, columns, person) %}
    {#- Row ids by column of the cells of `relation` that are the address `person`, which no statement holds; also with the
        apostrophe that spreadsheet_safe sets before it. -#}
    {%- set conditions, quoted, cells = [], [], {} -%}
    {%- for column in columns -%}
        {%- do quoted.append(adapter.quote(column)) -%}
        {%- do cells.update({column: []}) -%}
        {%- do conditions.append("(contains(" ~ quoted[-1] ~ ", '@') and length(trim(" ~ quoted[-1] ~ ", chr(9) || chr(10) || chr(13) || ' ')) in ("
            ~ (person | length) ~ ", " ~ (person | length + 1) ~ "))") -%}
    {%- endfor -%}
    {%- set rows = run_query("select rowid, " ~ (quoted | join(", ")) ~ " from " ~ relation ~ " where "
        ~ (conditions | join(" or "))).rows -%}
    {%- for row in rows -%}
        {%- for column in columns -%}
            {%- if ((row[loop.index] or '') | string | trim | lower) in (person, "'" ~ person) -%}
                {%- do cells[column].append(row[0] | int) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
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
        ~ " where database_name = " ~ account_mapping._text_literal(relation.database)
        ~ " and schema_name = " ~ account_mapping._text_literal(relation.schema)
        ~ " and name = " ~ account_mapping._text_literal(relation.identifier)) -%}
    {{- return(counted.rows[0][0] > 0) -}}
{% endmacro %}
