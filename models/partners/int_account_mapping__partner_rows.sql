with

table_rows as (

    select * from {{ ref('stg_account_mapping__partner_accounts') }}

),

file_texts as (

    select
        {% for column in account_mapping.source_columns('partners')['partner_accounts']['columns'] -%}
        {{ account_mapping.clean_text(column) }} as {{ column }},
        {% endfor -%}
        file_name

    from {{ ref('stg_account_mapping__partner_files') }}
    where kind = 'row'

),

file_rows as (

    select
        {{ account_mapping.partner_account_columns() | indent(8) }},

        ---------- origin
        file_name as source,
        cast(null as {{ dbt.type_string() }}) as notes

    from file_texts

),

partners as (

    select * from {{ ref('stg_account_mapping__settings_partners') }}

),

unioned as (

    select * from table_rows
    union all
    select * from file_rows

),

doubled as (

    select
        partner_id,
        account_id

    from unioned
    group by partner_id, account_id
    having count(*) > 1

),

checked as (

    select
        unioned.*,
        case
            when unioned.partner_id is null then 'missing_partner_id'
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when partners.exchange <> 'list' then 'readable_rows_of_hashed_partner'
            when unioned.account_id is null then 'missing_account_id'
            when
                coalesce(
                    unioned.account_name, unioned.website, unioned.email_domain, unioned.lei, unioned.duns,
                    unioned.vat_id, unioned.linkedin_url
                ) is null
                then 'no_identity'
        end as row_problem

    from unioned
    left join partners
        on unioned.partner_id = partners.partner_id

),

ranked as (

    -- most accounts have one row only, and ordering by all columns is dear
    select
        checked.*,
        1 as version_rank

    from checked
    left join doubled
        on
            checked.partner_id = doubled.partner_id
            and checked.account_id = doubled.account_id
    where doubled.account_id is null

    union all

    select
        checked.*,
        cast(row_number() over (
            partition by checked.partner_id, checked.account_id, checked.row_problem
            order by
                checked.updated_at desc nulls last,
                checked.account_name nulls last,
                checked.website nulls last,
                checked.email_domain nulls last,
                checked.country nulls last,
                checked.state nulls last,
                checked.city nulls last,
                checked.postal_code nulls last,
                checked.status nulls last,
                checked.segment nulls last,
                checked.owner_name nulls last,
                checked.owner_email nulls last,
                checked.raw_open_amount nulls last,
                checked.currency nulls last,
                checked.customer_since nulls last,
                checked.deal_stage nulls last,
                checked.deal_close_date nulls last,
                checked.last_won_on nulls last,
                checked.annual_revenue nulls last,
                checked.employee_count nulls last,
                checked.industry nulls last,
                checked.lei nulls last,
                checked.duns nulls last,
                checked.vat_id nulls last,
                checked.linkedin_url nulls last,
                checked.parent_account_id nulls last,
                checked.source nulls last
        ) as bigint) as version_rank

    from checked
    inner join doubled
        on
            checked.partner_id = doubled.partner_id
            and checked.account_id = doubled.account_id

),

final as (

    select
        *,
        case
            when row_problem is not null then row_problem
            when version_rank > 1 then 'duplicate_account_id'
        end as problem

    from ranked

)

select * from final
