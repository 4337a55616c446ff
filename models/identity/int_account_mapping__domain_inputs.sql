with

account_records as (

    select * from {{ ref('int_account_mapping__account_records') }}

),

partner_records as (

    select * from {{ ref('int_account_mapping__partner_records') }}

),

contact_hosts as (

    select * from {{ ref('int_account_mapping__contact_hosts') }}

),

lead_rows as (

    select * from {{ ref('int_account_mapping__lead_rows') }}
    where record_state = 'current'

),

people as (

    select * from {{ ref('int_account_mapping__people') }}

),

exclusions as (

    select * from {{ ref('stg_account_mapping__settings_exclusions') }}

),

domain_aliases as (

    select * from {{ ref('stg_account_mapping__settings_domain_aliases') }}

),

target_accounts as (

    select * from {{ ref('stg_account_mapping__settings_target_accounts') }}

),

-- each spelling is parsed once, however many accounts share it
final as (

    select website as raw_value from account_records
    where website is not null
    union
    select additional_domains as raw_value from account_records
    where additional_domains is not null
    union
    select email_domain as raw_value from account_records
    where email_domain is not null
    union
    select website as raw_value from partner_records
    where website is not null
    union
    select email_domain as raw_value from partner_records
    where email_domain is not null
    union
    select email_host as raw_value from contact_hosts
    union
    select website as raw_value from lead_rows
    where website is not null
    union
    select email_host as raw_value from lead_rows
    where email_host is not null
    union
    select email_host as raw_value from people
    where email_host is not null
    union
    select exclusion_value as raw_value from exclusions
    where kind = 'domain'
    union
    select raw_domain as raw_value from domain_aliases
    union
    select raw_canonical_domain as raw_value from domain_aliases
    union
    select raw_domain as raw_value from target_accounts
    where raw_domain is not null

)

select * from final
