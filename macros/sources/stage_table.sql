{% macro stage_table(source_name, tables, as_text=false) %}
    {#- The rows of a source table of every CRM of a kind, with the columns that source_columns lists, typed.

        tables: one table, or several of one shape, of which the first one's description counts.
        as_text: leave the columns as text, dates with the month first, for models that clean them together with others.

        Each staged column takes the first source column that is filled, row by row. Beside them stand
            source_relation, source_table: where the row comes from,
            raw_<column>: the text of an `amount`,
            <column>_attribute: the source column taken, for those that are `named`,
            pass_through: the declared pass-through columns as JSON text, of an account table,
            extracted_at: when a loader wrote the row,
            is_current_version: false for a version that a loader closed (null of no such loader counts as current),
            is_deleted: whether a flag of the CRM or of a loader says so,
            row_problem: why the row is no record (`blank_rows`, `footer_rows`, `id_lost_digits`, `missing_id`), or null,
            notes: what could not be read, for account_mapping.staged_notes.
        A missing optional table gives no rows; a missing required table or column is an error. -#}
    {%- set tables = account_mapping.as_list(tables) -%}
    {%- set spec = account_mapping.source_columns(source_name)[tables[0]] -%}
    {%- set is_account_table = 'account_name' in spec['columns'] and source_name in account_mapping.supported_crms() -%}
    {%- set instances = account_mapping.crm_instances(source_name)
        if source_name in account_mapping.supported_crms() else [none] -%}
    {%- set parts = [] -%}
    {%- set text_dates = [] -%}
    {%- for instance in instances -%}
        {%- for table in tables -%}
            {%- set found = account_mapping.staged_table(source_name, table, instance) -%}
            {%- do parts.append(account_mapping._staged_texts(source_name, table, instance, spec, found, is_account_table)) -%}
            {%- for staged in found['text_dates'] if staged not in text_dates -%}
                {%- do text_dates.append(staged) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set amounts = [] -%}
    {%- set dates = [] -%}
    {%- set booleans = [] -%}
    {%- set ids = [] -%}
    {%- for staged, description in spec['columns'].items() -%}
        {%- do amounts.append(staged) if description[0] == 'amount' -%}
        {%- do dates.append(staged) if description[0] in ('date', 'timestamp') -%}
        {%- do booleans.append(staged) if description[0] == 'boolean' -%}
        {%- do ids.append(staged) if staged in spec['key'] and description[0] == 'id' -%}
    {%- endfor %}
    with

    texts as (
        {% for part in parts %}
        {{ part }}
        {{ 'union all' if not loop.last }}
        {%- else %}
        {{ account_mapping._staged_texts(source_name, tables[0], none, spec, none, is_account_table) }}
        {%- endfor %}
    ),
    {% if text_dates %}
    -- whether a column writes days before months is told by the values that can be read in one way only
    date_orders as (

        select
            source_relation,
            source_table,
            {%- for staged in text_dates %}
            max(case when {{ account_mapping.first_part_is_day(staged) }} then 1 else 0 end) as {{ staged }}_days,
            max(case when {{ account_mapping.second_part_is_day(staged) }} then 1 else 0 end) as {{ staged }}_months
            {{- ',' if not loop.last }}
            {%- endfor %}

        from texts
        group by source_relation, source_table

    ),
    {% endif %}
    typed as (

        select
            texts.source_relation,
            texts.source_table,
            {%- for staged, description in spec['columns'].items() %}
            {%- set column = 'texts.' ~ staged %}
            {%- set day_first = 'date_orders.' ~ staged ~ '_days > date_orders.' ~ staged ~ '_months'
                if staged in text_dates else none %}
            {%- if as_text and description[0] not in ('date', 'timestamp') %}
            {{ column }},
            {%- elif as_text %}
            {{ account_mapping.month_first(column, day_first) }} as {{ staged }},
            {%- else %}
            {{ account_mapping.typed_column(column, description[0], day_first) }} as {{ staged }},
            {%- endif %}
            {%- endfor %}
            {%- for staged in amounts %}
            {{ account_mapping.clean_text('texts.' ~ staged) }} as raw_{{ staged }},
            {%- endfor %}
            {%- for staged in spec.get('named', []) %}
            texts.{{ staged }}_attribute,
            {%- endfor %}
            {%- if is_account_table %}
            texts.pass_through,
            {%- endif %}
            {{ account_mapping.to_timestamp('texts.extracted_at') }} as extracted_at,
            texts.is_current_version,
            texts.is_deleted,
            {{ account_mapping._row_problem(source_name, spec, ids) | indent(12) }} as row_problem,
            {{ account_mapping._staged_notes(dates, booleans, text_dates) | indent(12) }} as notes

        from texts
        {%- if text_dates %}
        left join date_orders
            on
                texts.source_relation = date_orders.source_relation
                and texts.source_table = date_orders.source_table
        {%- endif %}

    )

    select * from typed
{% endmacro %}

{% macro _staged_texts(source_name, table, instance, spec, found, with_pass_through) %}
    {#- The select of one source table with every staged column as text, for stage_table. -#}
    {%- set text = dbt.type_string() -%}
    {%- set null_text = 'cast(null as ' ~ text ~ ')' -%}
    {%- set expressions = found['expressions'] if found else {} %}
        select
            '{{ instance['name'] if instance else source_name }}' as source_relation,
            '{{ table }}' as source_table,
            {%- for staged in spec['columns'] %}
            {{ expressions.get(staged, null_text) }} as {{ staged }},
            {%- endfor %}
            {%- for staged in spec.get('named', []) %}
            {{ "'" ~ (found['sources'][staged][0] | lower | replace("'", "''")) ~ "'"
                if found and found['sources'].get(staged) else null_text }} as {{ staged }}_attribute,
            {%- endfor %}
            {%- if with_pass_through %}
            {{ account_mapping.pass_through_json(source_name, instance, found['present'] if found else {}) }} as pass_through,
            {%- endif %}
            {{ found['extracted_at'] if found else null_text }} as extracted_at,
            {{ found['is_current_version'] if found else 'true' }} as is_current_version,
            {{ found['is_deleted'] if found else 'false' }} as is_deleted,
            {{ found['unreadable_flags'] if found else null_text }} as unreadable_flags
        {%- if found and found['relation'] %}
        from {{ found['relation'] }}
        {%- else %}
        where 1 = 0
        {%- endif %}
{% endmacro %}

{% macro _row_problem(source_name, spec, ids) -%}
    {#- Why a row of stage_table is no record, as an expression on its texts; null where it is one. -#}
    {%- set patterns = {
        'salesforce': '^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$',
        'hubspot': '^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$',
        'pipedrive': '^[0-9]+([.][0-9]+)?([eE][+]?[0-9]+)?$',
        'dynamics_365': '^[{(]?[0-9A-Fa-f]{8}-[0-9A-Fa-f-]{27}[)}]?$',
        'generic': '^[^ ]*$',
    } -%}
    {%- set needed = spec.get('needed', spec['key']) -%}
    {%- set key = 'texts.' ~ spec['key'][0] -%}
    {%- set others = [] -%}
    {%- set all_texts = [] -%}
    {%- for staged in spec['columns'] -%}
        {%- do all_texts.append('texts.' ~ staged) -%}
        {%- do others.append('texts.' ~ staged) if 'texts.' ~ staged != key -%}
    {%- endfor -%}
    {%- set identity = [] -%}
    {%- for staged in spec.get('identity', []) -%}
        {%- do identity.append('texts.' ~ staged) -%}
    {%- endfor -%}
    {%- if source_name not in patterns -%}
        cast(null as {{ dbt.type_string() }})
    {%- else -%}
    case
        when coalesce({{ all_texts | join(', ') }}) is null then 'blank_rows'
        -- a footer fills one cell, and what stands there is no id
        when
            coalesce({{ others | join(', ') }}, null) is null
            and not {{ account_mapping.matches_pattern(account_mapping.clean_text(key), patterns[source_name]) }}
            then 'footer_rows'
        {%- if identity | length > 0 %}
        when
            coalesce({{ identity | join(', ') }}, null) is null
            and {{ account_mapping.is_report_footer(key) }}
            then 'footer_rows'
        when
            {{ key }} is null
            and {{ account_mapping.is_report_footer('coalesce(' ~ (identity | join(', ')) ~ ', null)') }}
            then 'footer_rows'
        {%- else %}
        when {{ account_mapping.is_report_footer(key) }} then 'footer_rows'
        {%- endif %}
        {%- for staged in ids %}
        when {{ account_mapping.id_lost_digits('texts.' ~ staged) }} then 'id_lost_digits'
        {%- endfor %}
        when
            {% for staged in needed -%}
            {{ account_mapping.clean_text('texts.' ~ staged) }} is null{{ ' or ' if not loop.last }}
            {%- endfor %}
            then 'missing_id'
    end
    {%- endif -%}
{%- endmacro %}

{% macro _staged_notes(dates, booleans, text_dates) -%}
    {#- What of a row of stage_table could not be read, as an expression: `problem|column|value` for each, separated by
        chr(31); null where all could. -#}
    {%- set notes = ["coalesce(texts.unreadable_flags, '')"] -%}
    {%- for staged in booleans -%}
        {%- do notes.append(account_mapping._note('flag_not_readable', staged,
            'texts.' ~ staged ~ ' is not null and ' ~ account_mapping.to_boolean('texts.' ~ staged) ~ ' is null')) -%}
    {%- endfor -%}
    {%- for staged in dates if staged in text_dates -%}
        {%- set day_first = 'date_orders.' ~ staged ~ '_days > date_orders.' ~ staged ~ '_months' -%}
        {%- do notes.append(account_mapping._note('date_not_readable', staged,
            'texts.' ~ staged ~ ' is not null and ' ~ account_mapping.to_timestamp('texts.' ~ staged, day_first)
            ~ ' is null')) -%}
        {%- do notes.append(account_mapping._note('ambiguous_dates', staged,
            'date_orders.' ~ staged ~ '_days = date_orders.' ~ staged ~ '_months and '
            ~ account_mapping.day_and_month_swap('texts.' ~ staged))) -%}
    {%- endfor -%}
    nullif(
        {%- for note in notes %}
        {{ note }}{{ ' ||' if not loop.last }}
        {%- endfor %},
        ''
    )
{%- endmacro %}

{% macro _note(problem, staged, condition, text=none) -%}
    {#- One note of _staged_notes: its text where the condition holds, else the empty text. -#}
    case
        when {{ condition }}
            then '{{ problem }}|{{ staged }}|' || left({{ text or 'texts.' ~ staged }}, 100) || chr(31)
        else ''
    end
{%- endmacro %}
