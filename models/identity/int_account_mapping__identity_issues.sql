{#- MAXIMUM_NAMESAKES of the Python model fuzzy_pairs. -#}
{%- set most_namesakes = 20 -%}
{%- set identifiers = {
    'lei': ('lei', 'LEI'),
    'duns': ('duns', 'D-U-N-S number'),
    'vat_id': ('vat_id', 'VAT number'),
    'linkedin': ("coalesce(nullif(trim(records.linkedin_url), ''), records.website)", 'LinkedIn page'),
} -%}
with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

normalized as (

    select * from {{ ref('int_account_mapping__normalized') }}

),

records as (

    select * from {{ ref('int_account_mapping__records') }}

),

domains as (

    select * from {{ ref('int_account_mapping__domains') }}

),

domain_owners as (

    select * from {{ ref('int_account_mapping__domain_owners') }}
    where owner = 'host'

),

-- each value of an account once: a comparison with a list of columns would look at all domains for each account
account_values as (

    select
        account_id,
        website as raw_value

    from account_records

    union

    select
        account_id,
        additional_domains as raw_value

    from account_records

    union

    select
        account_id,
        email_domain as raw_value

    from account_records

),

partner_values as (

    select
        partner_id,
        account_id,
        website as raw_value

    from partner_records

    union

    select
        partner_id,
        account_id,
        email_domain as raw_value

    from partner_records

),

people as (

    select * from {{ ref('int_account_mapping__people') }}

),

account_people as (

    select * from {{ ref('int_account_mapping__account_people') }}

),

lead_domains as (

    select * from {{ ref('int_account_mapping__lead_domains') }}

),

-- the best that is found of each lead
lead_findings as (

    select
        source_relation,
        source_table,
        source_lead_id,
        min(case finding when 'account' then 1 when 'no_account' then 2 when 'free_mail' then 3 else 4 end) as finding

    from lead_domains
    group by source_relation, source_table, source_lead_id

),

row_problems as (

    select
        side,
        partner_id,
        account_id,
        display_name,
        item as problem

    from (
        {{ account_mapping.explode_items(
            'normalized', 'problems', ['side', 'partner_id', 'account_id', 'display_name']
        ) | indent(8) }}

    ) as exploded

),

-- the values themselves, as written
unread_values as (

    select
        side,
        partner_id,
        problem,
        'name' as kind,
        left(display_name, 100) as shown_value

    from row_problems
    where problem = 'name_names_nobody'
    {% for column, (raw, label) in identifiers.items() %}
    union all

    select
        row_problems.side,
        row_problems.partner_id,
        row_problems.problem,
        '{{ label }}' as kind,
        left(trim({{ raw if '(' in raw else 'records.' ~ raw }}), 100) as shown_value

    from row_problems
    inner join normalized
        on
            row_problems.side = normalized.side
            and row_problems.partner_id = normalized.partner_id
            and row_problems.account_id = normalized.account_id
    inner join records
        on
            row_problems.side = records.side
            and row_problems.partner_id = records.partner_id
            and row_problems.account_id = records.account_id
    where
        normalized.{{ column }} is null
        and (
            row_problems.problem = 'invalid_{{ column }}'
            or (
                row_problems.problem = 'identifier_names_nobody'
                and normalized.problems not like '%invalid_{{ column }}%'
                and trim(records.{{ 'linkedin_url' if column == 'linkedin' else column }}) <> ''
            )
        )
    {% endfor %}
),

final as (

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || account_id as row_key,
        problem,
        left(display_name, 100) as detail,
        1 as n_rows

    from row_problems
    where
        problem not in (
            'name_names_nobody', 'identifier_names_nobody',
            'invalid_lei', 'invalid_duns', 'invalid_vat_id', 'invalid_linkedin'
        )

    union all

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || shown_value as row_key,
        problem,
        kind || ' of ' || cast(count(*) as {{ dbt.type_string() }})
        || case when count(*) = 1 then ' account' else ' accounts' end as detail,
        count(*) as n_rows

    from unread_values
    group by side, partner_id, shown_value, problem, kind

    -- fuzzy pairs compares an account with at most this many partner accounts of one name

    union all

    select
        'partner accounts' as source,
        partner_id || ':' || min(account_id) as row_key,
        'name_of_many' as problem,
        left(min(name), 60) || ' (' || cast(count(*) as {{ dbt.type_string() }}) || ' accounts)' as detail,
        count(*) as n_rows

    from normalized
    where
        side = 'partner'
        and name is not null
    group by partner_id, name_key, name
    having count(*) > {{ most_namesakes }}

    union all

    select
        account_records.source_relation as source,
        account_records.source_account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail,
        1 as n_rows

    from account_records
    inner join account_values
        on account_records.account_id = account_values.account_id
    inner join domains
        on account_values.raw_value = domains.raw_value
    where domains.problem is not null

    union all

    select
        partner_records.source,
        partner_records.partner_id || ':' || partner_records.account_id as row_key,
        domains.problem,
        left(domains.raw_value, 100) as detail,
        1 as n_rows

    from partner_records
    inner join partner_values
        on
            partner_records.partner_id = partner_values.partner_id
            and partner_records.account_id = partner_values.account_id
    inner join domains
        on partner_values.raw_value = domains.raw_value
    where domains.problem is not null

    union all

    select
        case when side = 'ours' then 'accounts' else 'partner accounts' end as source,
        case when side = 'ours' then '' else partner_id || ':' end || key_domain as row_key,
        'website_of_many' as problem,
        left(key_domain, 60) || ' (' || cast(n_accounts as {{ dbt.type_string() }}) || ' accounts: '
        || owner_reason || ')' as detail,
        n_accounts as n_rows

    from domain_owners

    ---------- persons, of whom nothing but their number is told

    union all

    select
        source,
        case when side = 'ours' then 'e-mail' else partner_id end as row_key,
        problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from people
    where problem is not null
    group by source, side, partner_id, problem

    union all

    select
        source,
        case when side = 'ours' then 'e-mail' else partner_id end as row_key,
        case email_kind when 'free_mail' then 'free_mail_contacts' else email_kind end as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(distinct account_id || ' ' || email) as n_rows

    from account_people
    where email_kind not in ('business'{{ ", 'free_mail'" if var('account_mapping__people_free_mail') }})
    group by source, side, partner_id, email_kind

    {% if account_mapping.leads_mode() == 'evidence' -%}
    ---------- leads

    union all

    select
        source_relation || '.' || source_table as source,
        '(all)' as row_key,
        case finding
            when 2 then 'lead_without_account'
            when 3 then 'free_mail_leads'
            else 'lead_without_domain'
        end as problem,
        cast(null as {{ dbt.type_string() }}) as detail,
        count(*) as n_rows

    from lead_findings
    where finding > 1
    group by source_relation, source_table, finding

    {% endif -%}
    ---------- settings

)

select * from final
