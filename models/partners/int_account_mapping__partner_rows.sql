with

table_rows as (

    select * from {{ ref('stg_account_mapping__partner_accounts') }}

),

file_rows as (

    select
        {{ account_mapping.partner_account_columns() | indent(8) }},

        ---------- origin
        file_name as source

    from {{ ref('stg_account_mapping__partner_files') }}
    where kind = 'row'

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

-- the last resort that orders versions: most accounts have one only, and hashing is dear
hashed as (

    select
        unioned.*,
        case
            when doubled.account_id is not null or unioned.partner_id is null or unioned.account_id is null
                then {{ account_mapping.content_hash([
                    'account_name', 'website', 'email_domain', 'country', 'state', 'city', 'postal_code', 'status',
                    'segment', 'owner_name', 'owner_email', 'raw_open_amount', 'currency', 'customer_since',
                    'annual_revenue', 'employee_count', 'industry', 'lei', 'duns', 'vat_id', 'linkedin_url',
                    'parent_account_id', 'updated_at', 'source',
                ], 'unioned') }}
        end as row_hash

    from unioned
    left join doubled
        on
            unioned.partner_id = doubled.partner_id
            and unioned.account_id = doubled.account_id

),

checked as (

    select
        hashed.*,
        case
            when hashed.partner_id is null then 'missing_partner_id'
            when partners.partner_id is null then 'unknown_partner'
            when not partners.is_active then 'inactive_partner'
            when partners.exchange <> 'list' then 'readable_rows_of_hashed_partner'
            when hashed.account_id is null then 'missing_account_id'
            when
                coalesce(
                    hashed.account_name, hashed.website, hashed.email_domain, hashed.lei, hashed.duns,
                    hashed.vat_id, hashed.linkedin_url
                ) is null
                then 'no_identity'
        end as row_problem

    from hashed
    left join partners
        on hashed.partner_id = partners.partner_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by partner_id, account_id, row_problem
            order by updated_at desc nulls last, row_hash
        ) as version_rank

    from checked

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
